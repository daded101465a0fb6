//! The packages in clients/package-lock.json, for every system that it can be installed on.

use std::{collections::BTreeMap, fs};

use anyhow::Context as _;
use serde::Deserialize;

use super::Package;
use crate::shell::root;

/// The registry of packages that name no other source.
const REGISTRY: &str = "https://registry.npmjs.org/";

#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    version: Option<String>,
    license: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    /// A link to a workspace of our own.
    #[serde(default)]
    link: bool,
}

/// All packages except our own.
pub fn packages() -> anyhow::Result<Vec<Package>> {
    let lock = fs::read_to_string(root().join("clients/package-lock.json"));
    read(&lock.context("clients/package-lock.json cannot be read")?)
}

fn read(lock: &str) -> anyhow::Result<Vec<Package>> {
    let lock: Lock = serde_json::from_str(lock).context("clients/package-lock.json cannot be understood")?;
    let installed = lock.packages.into_iter().filter(|(_, package)| !package.link);
    let packages = installed.filter_map(|(path, package)| {
        // Entries outside node_modules are our own workspaces.
        let (_, name) = path.rsplit_once("node_modules/")?;
        let source = match package.resolved {
            Some(place) if !place.starts_with(REGISTRY) => place,
            _ => REGISTRY.to_owned(),
        };
        Some(Package {
            name: name.to_owned(),
            version: package.version.unwrap_or_default(),
            license: package.license,
            source,
            sealed: package.integrity.is_some(),
        })
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::{REGISTRY, read};

    #[test]
    fn only_our_own_packages_are_left_out() {
        let lock = r#"{ "packages": {
            "": { "name": "clients" },
            "sdk": { "name": "@palabre/sdk", "version": "0.1.0" },
            "node_modules/@palabre/sdk": { "resolved": "sdk", "link": true },
            "node_modules/a": { "version": "1.0.0", "license": "MIT", "integrity": "sha512-x" },
            "node_modules/a/node_modules/@b/c": { "version": "2.0.0", "resolved": "https://registry.npmjs.org/c.tgz" },
            "node_modules/d": { "version": "1.0.0", "resolved": "git+ssh://git@github.com/d/d.git#0" }
        } }"#;
        let packages = read(lock).unwrap();
        let told: Vec<_> = packages.iter().map(|p| (&*p.name, &*p.source, p.sealed)).collect();
        let foreign = "git+ssh://git@github.com/d/d.git#0";
        assert_eq!(told, [("a", REGISTRY, true), ("@b/c", REGISTRY, false), ("d", foreign, false)]);
    }
}
