//! The lists, in cargo-deny's form. Keys that it has besides are its own.

use serde::Deserialize;

/// What may be in the program.
#[derive(Debug, Deserialize)]
pub struct Policy {
    pub licenses: Licenses,
    pub sources: Sources,
    pub bans: Bans,
}

#[derive(Debug, Deserialize)]
pub struct Licenses {
    /// SPDX identifiers, with their exception if they have one.
    pub allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sources {
    pub allow_registry: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Bans {
    /// Versions that are there beside another one.
    pub skip: Vec<Skip>,
}

/// A version that is there beside another one, and why.
#[derive(Debug, Deserialize)]
pub struct Skip {
    /// `name@version`.
    #[serde(rename = "crate")]
    pub krate: String,
    pub reason: String,
}

impl Skip {
    /// The package's name, which may begin with `@` in npm.
    pub fn name(&self) -> &str {
        self.krate.rsplit_once('@').map_or(&self.krate, |(name, _)| name)
    }

    /// Whether this is the version that is meant.
    pub fn is(&self, name: &str, version: &str) -> bool {
        self.krate.rsplit_once('@') == Some((name, version))
    }
}
