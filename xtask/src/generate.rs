//! `cargo xtask gen`: the documents that are generated from the code.

use std::fs;

use anyhow::{Context as _, ensure};

use crate::shell::{cargo, output, root};

/// The server's word for a document, and its file.
const DOCUMENTS: &[(&str, &str)] = &[
    ("configuration", "docs/operate/configuration.md"),
    ("codes", "docs/protocol/codes.md"),
    ("openapi", "docs/protocol/openapi.json"),
    ("asyncapi", "docs/protocol/asyncapi.json"),
];

/// Writes them.
pub fn write() -> anyhow::Result<()> {
    for (name, path) in DOCUMENTS {
        let file = root().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, document(name)?).with_context(|| format!("{path} cannot be written"))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Checks that the files say what the code says.
pub fn check() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (name, path) in DOCUMENTS {
        if fs::read_to_string(root().join(path)).ok() != Some(document(name)?) {
            stale.push(*path);
        }
    }
    ensure!(stale.is_empty(), "not fresh: {}; run: cargo xtask gen", stale.join(", "));
    println!("{} documents are fresh", DOCUMENTS.len());
    Ok(())
}

fn document(name: &str) -> anyhow::Result<String> {
    output(&mut cargo(&["run", "--quiet", "--locked", "--package", "palabre", "--", "docs", name]))
}
