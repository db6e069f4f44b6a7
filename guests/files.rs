//! Creates and changes files in the directory `.`, and prints the results. It leaves the directory unchanged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

fn main() -> io::Result<()> {
    fs::create_dir("files")?;
    write_and_read()?;
    append_and_seek()?;
    rename_and_list()?;
    errors();
    escapes();
    remove()?;
    println!("left: {}", fs::exists("files")?);
    Ok(())
}

fn write_and_read() -> io::Result<()> {
    fs::write("files/a.txt", "first line, second line")?;
    println!("read: {}", fs::read_to_string("files/a.txt")?);
    let metadata = fs::metadata("files/a.txt")?;
    println!("stat: {} bytes, file {}, folder {}", metadata.len(), metadata.is_file(), metadata.is_dir());
    let age = metadata.modified()?.elapsed().unwrap_or_default();
    println!("new: {}", age.as_secs() < 3600);
    Ok(())
}

fn append_and_seek() -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open("files/a.txt")?;
    file.write_all(b", third line")?;
    file.sync_all()?;
    let mut file = OpenOptions::new().read(true).write(true).open("files/a.txt")?;
    file.seek(SeekFrom::Start(6))?;
    file.write_all(b"LINE")?;
    file.seek(SeekFrom::End(-10))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    println!("tail: {tail}");
    file.set_len(10)?;
    println!("cut: {}", fs::read_to_string("files/a.txt")?);
    Ok(())
}

fn rename_and_list() -> io::Result<()> {
    fs::rename("files/a.txt", "files/b.txt")?;
    fs::write("files/c.txt", fs::read("files/b.txt")?)?;
    fs::hard_link("files/b.txt", "files/d.txt")?;
    fs::create_dir("files/deep")?;
    fs::create_dir("files/deep/er")?;
    for index in 0..100 {
        File::create(format!("files/deep/{index:03}"))?;
    }
    let list = |path: &str| -> io::Result<Vec<String>> {
        let entries = fs::read_dir(path)?;
        let mut names = entries
            .map(|entry| {
                let entry = entry?;
                let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
                Ok(format!("{}{slash}", entry.file_name().to_string_lossy()))
            })
            .collect::<io::Result<Vec<String>>>()?;
        names.sort_unstable();
        Ok(names)
    };
    println!("list: {}", list("files")?.join(" "));
    let deep = list("files/deep")?;
    println!("deep: {} names, {} to {}", deep.len(), deep[0], deep[deep.len() - 1]);
    fs::remove_file("files/c.txt")?;
    println!("list: {}", list("files")?.join(" "));
    Ok(())
}

fn remove() -> io::Result<()> {
    for entry in fs::read_dir("files/deep")? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir(path)? } else { fs::remove_file(path)? }
    }
    for path in ["files/b.txt", "files/d.txt"] {
        fs::remove_file(path)?;
    }
    fs::remove_dir("files/deep")?;
    fs::remove_dir("files")
}

fn errors() {
    say("missing", File::open("files/none"));
    say("twice", fs::create_dir("files"));
    say("new twice", File::create_new("files/b.txt"));
    say("not empty", fs::remove_dir("files"));
    say("not a folder", fs::read_dir("files/b.txt"));
    say("is a folder", fs::read("files"));
}

fn escapes() {
    say("above", File::open("../escape"));
    say("above by a detour", File::open("files/../../escape"));
    say("new above", fs::write("../escape", "no"));
    say("folder above", fs::read_dir(".."));
}

fn say<T>(what: &str, result: io::Result<T>) {
    match result {
        Ok(_) => println!("{what}: it worked"),
        Err(error) => println!("{what}: {error}"),
    }
}
