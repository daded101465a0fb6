//! The packages in Cargo.lock, for every system that it can be built on.

use std::{collections::BTreeSet, fs};

use anyhow::Context as _;
use serde::Deserialize;

use super::Package;
use crate::shell::{cargo, output, root};

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Described {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// All packages except our own.
pub fn packages() -> anyhow::Result<Vec<Package>> {
    let told = output(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    read(&told, &lock)
}

fn read(metadata: &str, lock: &str) -> anyhow::Result<Vec<Package>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata cannot be understood")?;
    let lock: Lock = toml::from_str(lock).context("Cargo.lock cannot be understood")?;
    let sealed: BTreeSet<(&str, &str)> = lock
        .package
        .iter()
        .filter(|package| package.checksum.is_some())
        .map(|package| (&*package.name, &*package.version))
        .collect();
    let foreign = metadata.packages.iter().filter(|package| !metadata.workspace_members.contains(&package.id));
    let packages = foreign.map(|package| Package {
        sealed: sealed.contains(&(&*package.name, &*package.version)),
        name: package.name.clone(),
        version: package.version.clone(),
        license: package.license.clone(),
        source: match package.source.as_deref() {
            Some(source) => source.strip_prefix("registry+").unwrap_or(source).to_owned(),
            None => "a folder outside of the workspace".to_owned(),
        },
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn only_our_own_packages_are_left_out() {
        let metadata = r#"{
            "workspace_members": ["path+file:///p#ours@0.1.0"],
            "packages": [
                { "id": "path+file:///p#ours@0.1.0", "name": "ours", "version": "0.1.0" },
                { "id": "a", "name": "a", "version": "1.0.0", "license": "MIT", "source": "registry+https://r" },
                { "id": "b", "name": "b", "version": "1.0.0", "license": "MIT", "source": "git+https://g" },
                { "id": "path+file:///elsewhere#c@1.0.0", "name": "c", "version": "1.0.0", "license": "MIT" }
            ]
        }"#;
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"0\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
        let packages = read(metadata, lock).unwrap();
        let told: Vec<_> = packages.iter().map(|p| (&*p.name, &*p.source, p.sealed)).collect();
        let outside = "a folder outside of the workspace";
        assert_eq!(told, [("a", "https://r", true), ("b", "git+https://g", false), ("c", outside, false)]);
    }
}
