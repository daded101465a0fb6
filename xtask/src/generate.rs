//! `cargo xtask gen`: the documents that are generated from the code.

use std::fs;

use anyhow::{Context as _, ensure};

use crate::{
    chaos::target,
    client, coverage,
    shell::{cargo, command, output, root, succeed},
};

/// The source of a document.
enum Author {
    /// The server, which prints it under this name.
    Server(&'static str),
    /// The transcripts of the old endpoints.
    Transcripts,
}

/// The documents' files. Those that need no server come first, so that their errors appear before the server is built.
const DOCUMENTS: &[(&str, Author)] = &[
    ("docs/protocol/coverage.md", Author::Transcripts),
    ("docs/operate/configuration.md", Author::Server("configuration")),
    ("docs/protocol/codes.md", Author::Server("codes")),
    ("docs/protocol/openapi.json", Author::Server("openapi")),
    ("docs/protocol/asyncapi.json", Author::Server("asyncapi")),
];

/// Writes all documents.
pub fn write() -> anyhow::Result<()> {
    succeed(&mut cargo(&["build", "--quiet", "--locked", "--package", "palabre"]))?;
    for (path, author) in DOCUMENTS {
        let file = root().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, document(author)?).with_context(|| format!("{path} cannot be written"))?;
        println!("wrote {path}");
    }
    if client::is_installed() {
        succeed(&mut client::npm(&["run", "--silent", "generate", "-w", "sdk"]))
    } else {
        println!("the SDK's types are as they were: npm ci in clients/ brings what writes them");
        Ok(())
    }
}

/// Checks that the files are up to date, by the server that [`build_everything`] has built.
pub fn check() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (path, author) in DOCUMENTS {
        if fs::read_to_string(root().join(path)).ok() != Some(document(author)?) {
            stale.push(*path);
        }
    }
    ensure!(stale.is_empty(), "not fresh: {}; run: cargo xtask gen", stale.join(", "));
    println!("{} documents are fresh", DOCUMENTS.len());
    if client::is_installed() {
        succeed(&mut client::npm(&["run", "--silent", "generate", "-w", "sdk", "--", "--check"]))
    } else {
        println!("the SDK's types were not checked: npm ci in clients/ brings what writes them");
        Ok(())
    }
}

fn document(author: &Author) -> anyhow::Result<String> {
    match author {
        Author::Server(name) => output(command(target().join("debug/palabre")).args(["docs", name])),
        Author::Transcripts => coverage::document(),
    }
}
