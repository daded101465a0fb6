//! The lists, in cargo-deny's format. Further keys are for cargo-deny alone.

use serde::Deserialize;

/// The rules for packages in the program.
#[derive(Debug, Deserialize)]
pub struct Policy {
    pub licenses: Licenses,
    pub sources: Sources,
    pub bans: Bans,
}

#[derive(Debug, Deserialize)]
pub struct Licenses {
    /// The allowed licences: SPDX identifiers, with their exception if they have one.
    pub allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sources {
    pub allow_registry: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Bans {
    /// Allowed duplicate versions.
    pub skip: Vec<Skip>,
}

/// An allowed duplicate version, and the reason.
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

    /// Whether this entry is for this version.
    pub fn is(&self, name: &str, version: &str) -> bool {
        self.krate.rsplit_once('@') == Some((name, version))
    }
}
