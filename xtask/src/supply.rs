//! `cargo xtask supply`: checks the packages in the lock files. Licences, sources and duplicate versions are compared
//! with the lists in `deny.toml` and `clients/deny.toml`.
//!
//! The lists are in cargo-deny's format, and cargo-deny gives the same result for the server's. It is not used here
//! because building it on a new machine takes longer than building all of this project's own tools, and because it does
//! not support npm.

mod cargo;
mod npm;
mod policy;

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, ensure};
use policy::Policy;
use spdx::{Expression, ParseMode};

use crate::shell::root;

/// A package of somebody else.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    /// Its licence: an SPDX expression, as the author wrote it.
    license: Option<String>,
    /// The registry or repository that it comes from.
    source: String,
    /// Whether the lock file has a checksum, so that no other content can take its place.
    sealed: bool,
}

/// Checks both lock files.
///
/// # Errors
/// All problems; or that the lists or lock files cannot be read.
pub fn run() -> anyhow::Result<()> {
    let mut problems = Vec::new();
    for (list, packages) in [("deny.toml", cargo::packages()?), ("clients/deny.toml", npm::packages()?)] {
        let text = fs::read_to_string(root().join(list)).with_context(|| format!("{list} cannot be read"))?;
        let policy: Policy = toml::from_str(&text).with_context(|| format!("{list} is not as it should be"))?;
        let found = examine(&policy, &packages);
        println!("{list}: {} packages, {} problems", packages.len(), found.len());
        problems.extend(found.into_iter().map(|problem| format!("{problem} ({list})")));
    }
    ensure!(problems.is_empty(), "what must not be in it, or not without a reason:\n{}", problems.join("\n"));
    Ok(())
}

/// The problems of these packages and of the list.
fn examine(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut problems: Vec<String> = packages.iter().flat_map(|package| of_one(policy, package)).collect();
    problems.extend(second_versions(policy, packages));
    problems.extend(needless(policy, packages));
    problems
}

/// The problems of one package by itself.
fn of_one(policy: &Policy, package: &Package) -> Vec<String> {
    let Package { name, version, source, .. } = package;
    let mut problems = Vec::new();
    if let Err(wrong) = check_license(policy, package) {
        problems.push(format!("{name} {version}: {wrong}"));
    }
    if !policy.sources.allow_registry.iter().any(|allowed| allowed == source) {
        problems.push(format!("{name} {version}: comes from {source}, which is not a source that is known"));
    }
    if !package.sealed {
        problems.push(format!("{name} {version}: the lock file has no checksum of it"));
    }
    problems
}

fn check_license(policy: &Policy, package: &Package) -> Result<(), String> {
    let license = package.license.as_deref().ok_or("names no licence")?;
    let expression = parsed(license).ok_or_else(|| format!("its licence {license:?} cannot be understood"))?;
    let allowed = expression.evaluate(|wanted| policy.licenses.allow.contains(&wanted.to_string()));
    if allowed { Ok(()) } else { Err(format!("its licence {license} is not on the list")) }
}

/// Parsed leniently, because some authors still write `MIT/Apache-2.0`.
fn parsed(license: &str) -> Option<Expression> {
    Expression::parse_mode(license, ParseMode::LAX).ok()
}

/// Crates with more than one version, apart from the versions that the list explains.
fn second_versions(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut unexplained: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Package { name, version, .. } in packages {
        let explained = policy.bans.skip.iter().any(|skip| skip.is(name, version));
        let versions = unexplained.entry(name).or_default();
        if !explained && !versions.contains(&version.as_str()) {
            versions.push(version);
        }
    }
    let several = unexplained.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(name, versions)| format!("{name}: {} versions without a reason", versions.join(" and "))).collect()
}

/// Entries of the list that nothing needs. They are errors, because an outdated reason would excuse the next package.
fn needless(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut wanted: Vec<String> = Vec::new();
    for expression in packages.iter().filter_map(|package| parsed(package.license.as_deref()?)) {
        wanted.extend(expression.requirements().map(|one| one.req.to_string()));
    }
    let licenses = policy.licenses.allow.iter().filter(|allowed| !wanted.contains(allowed));
    let licenses = licenses.map(|allowed| format!("{allowed}: no package has this licence; take it off the list"));
    let skips = policy.bans.skip.iter().filter(|skip| {
        let versions = packages.iter().filter(|package| skip.name() == package.name).map(|package| &package.version);
        let second = versions.clone().any(|version| skip.is(skip.name(), version)) && versions.count() > 1;
        !second || skip.reason.trim().is_empty()
    });
    let skips =
        skips.map(|skip| format!("{}: is no second version, or has no reason; take it off the list", skip.krate));
    licenses.chain(skips).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES: &str = "https://crates.example";

    fn package(name: &str, version: &str, license: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: Some(license.into()).filter(|text: &String| !text.is_empty()),
            source: CRATES.into(),
            sealed: true,
        }
    }

    fn policy(skip: &str) -> Policy {
        let text = format!(
            "[licenses]\nallow = [\"MIT\", \"Apache-2.0 WITH LLVM-exception\", \"Unicode-3.0\"]\n\
             [sources]\nallow-registry = [\"{CRATES}\"]\n[bans]\nskip = [{skip}]\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_licence_is_refused_unless_the_list_allows_it() {
        for (license, good) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND Unicode-3.0", true),
            ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("GPL-3.0-only", false),
            ("AGPL-3.0-or-later", false),
            ("MIT AND GPL-3.0-only", false),
            ("UNLICENSED", false),
            ("SEE LICENSE IN LICENSE.md", false),
            ("", false),
        ] {
            let problems = of_one(&policy(""), &package("one", "1.0.0", license));
            assert_eq!(problems.is_empty(), good, "{license}: {problems:?}");
        }
    }

    #[test]
    fn an_unknown_source_and_a_package_without_a_checksum_are_refused() {
        let from = |source: &str, sealed| {
            of_one(&policy(""), &Package { source: source.into(), sealed, ..package("one", "1.0.0", "MIT") })
        };
        assert!(from(CRATES, true).is_empty());
        for foreign in ["git+https://github.com/some/fork", "https://crates.example.evil.org", "a folder outside", ""] {
            assert!(from(foreign, true)[0].contains("not a source that is known"), "{foreign}");
        }
        assert!(from(CRATES, false)[0].contains("no checksum"));
    }

    #[test]
    fn a_second_version_needs_a_reason_and_a_reason_a_second_version() {
        let two = [package("one", "1.0.0", "MIT"), package("one", "2.0.0", "MIT"), package("two", "1.0.0", "MIT")];
        let said = |skip: &str, packages: &[Package]| {
            let problems = examine(&policy(skip), packages);
            let about_versions =
                problems.into_iter().filter(|problem| !problem.contains("no package has this licence"));
            about_versions.collect::<Vec<_>>().join("\n")
        };
        assert!(said("", &two).contains("one: 1.0.0 and 2.0.0 versions without a reason"));
        assert_eq!(said("{ crate = \"one@1.0.0\", reason = \"of two\" }", &two), "");
        for stale in ["one@3.0.0", "two@1.0.0", "three@1.0.0"] {
            let skips =
                format!("{{ crate = \"one@1.0.0\", reason = \"x\" }}, {{ crate = \"{stale}\", reason = \"x\" }}");
            assert!(said(&skips, &two).contains(&format!("{stale}: is no second version")), "{stale}");
        }
        assert!(said("{ crate = \"one@1.0.0\", reason = \" \" }", &two).contains("has no reason"));
        let policy = policy("");
        assert!(examine(&policy, &two).iter().any(|said| said.contains("Unicode-3.0: no package has this licence")));
    }

    #[test]
    fn the_lists_are_read_whole() {
        for (text, wrong) in [("[licenses]\nallow = []\n", "sources"), ("[bans]\nskip = [\"one\"]\n", "skip")] {
            let refused = toml::from_str::<Policy>(text).unwrap_err().to_string();
            assert!(refused.contains(wrong), "{refused}");
        }
    }
}
