//! Sets `SOURCE_ID`, a hash of this crate's sources, for the keys of cached code.

fn main() -> std::io::Result<()> {
    kinglet_source_id::emit()
}
