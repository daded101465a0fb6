//! Compresses what `npm run build` has left in `clients/web/dist` and lists it for the program. Without that folder
//! the list is empty, and the program says so: it builds where there is no Node.

use std::{
    env,
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

fn main() -> io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/web");
    let dist = web.join("dist");
    // A path that is not there would count as changed with every build.
    let watched = [&dist, &web].into_iter().find(|path| path.exists());
    println!("cargo::rerun-if-changed={}", watched.map_or("build.rs".into(), |path| path.display().to_string()));
    println!("cargo::rerun-if-changed=build.rs");

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let kept = out.join("files");
    fs::create_dir_all(&kept)?;
    let mut files = Vec::new();
    // Half a client is none: the first file of it is written last and read first.
    if dist.join("index.html").exists() {
        collect(&dist, "", &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    let mut used = Vec::new();
    for (path, file) in &files {
        list.push_str(&entry(path, &fs::read(file)?, &kept, &mut used)?);
    }
    list.push(']');
    for old in fs::read_dir(&kept)?.filter_map(Result::ok).filter(|old| !used.contains(&old.path())) {
        fs::remove_file(old.path())?;
    }
    fs::write(out.join("files.rs"), list)
}

/// All files of a folder, as they are asked for.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}/{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            files.push((path, entry.path()));
        } else {
            println!("cargo::warning=left out, for its name: {path}");
        }
    }
    Ok(())
}

/// One file's entry in the list.
fn entry(path: &str, bytes: &[u8], kept: &Path, used: &mut Vec<PathBuf>) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let digest = format!("{:016x}", hasher.finish());
    let plain = keep(kept, &format!("{digest}.plain"), used, || Ok(bytes.to_owned()))?;
    let brotli = keep(kept, &format!("{digest}.br"), used, || brotli_of(bytes))?;
    let gzip = keep(kept, &format!("{digest}.gz"), used, || gzip_of(bytes))?;
    // What compression does not make smaller (images, fonts) is only there as it is.
    let smaller = |file: &Path| -> io::Result<String> {
        let worth_it = fs::metadata(file)?.len() < u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(if worth_it { format!("Some(include_bytes!({file:?}))") } else { "None".to_owned() })
    };
    Ok(format!(
        "File {{ path: {path:?}, media_type: {:?}, etag: {:?}, plain: include_bytes!({plain:?}), brotli: {}, gzip: {} }},\n",
        media_type(path),
        format!("W/\"{digest}\""),
        smaller(&brotli)?,
        smaller(&gzip)?,
    ))
}

/// Makes a file, unless one of the same content was made by an earlier build.
fn keep(
    kept: &Path,
    name: &str,
    used: &mut Vec<PathBuf>,
    make: impl FnOnce() -> io::Result<Vec<u8>>,
) -> io::Result<PathBuf> {
    let file = kept.join(name);
    if !file.exists() {
        let unfinished = kept.join("unfinished");
        fs::write(&unfinished, make()?)?;
        fs::rename(&unfinished, &file)?;
    }
    used.push(file.clone());
    Ok(file)
}

fn brotli_of(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &best)?;
    Ok(compressed)
}

fn gzip_of(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn media_type(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(OsStr::to_str).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "jpg" | "jpeg" => "image/jpeg",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}
