//! Names the crate's sources, for what is kept of the code they make.

fn main() -> std::io::Result<()> {
    kinglet_source_id::emit()
}
