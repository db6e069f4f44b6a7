//! Emits `SOURCE_ID`, a hash of the crate's sources. Cache keys include it.

fn main() -> std::io::Result<()> {
    kinglet_source_id::emit()
}
