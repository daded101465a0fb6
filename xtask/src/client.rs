//! Builds the web client, which must be done before the server is built, because the server contains it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::shell::{self, output, root, succeed};

/// The oldest Node that the client's tools run on.
const OLDEST: (u32, u32) = (20, 19);
/// Folders beside the client's sources that are not sources.
const NO_SOURCES: &[&str] = &["node_modules", "dist", "test", "output"];

/// Builds the client if it is older than its sources. If something is missing for that, the server works without the
/// client: then this prints what is missing.
pub fn build_if_possible() {
    if !is_outdated() {
        return;
    }
    println!("building the web client");
    let built = require_node().and_then(|()| {
        install(&["--fetch-retries=1", "--fetch-retry-maxtimeout=10000"])
            .context("what it is built with could not be installed; be online for the first time")?;
        build().context("its sources do not build; why stands above")
    });
    if let Err(error) = built {
        let instead = if index().exists() { "with what was built of the client before" } else { "without the client" };
        eprintln!(
            "\nThe web client was not built: {error:#}.\nWhen that is mended, start this command again. Until then the server starts {instead}.\n"
        );
    }
}

/// Checks that Node is new enough. Debian 12's is not, so it is not installed from there.
pub fn require_node() -> anyhow::Result<()> {
    let (major, minor) = OLDEST;
    let advice = format!("install Node {major}.{minor} or newer with npm (https://nodejs.org)");
    let told = output(shell::command("node").arg("--version")).with_context(|| advice.clone())?;
    ensure!(version(&told).is_some_and(|version| version >= OLDEST), "{advice}; this one is {}", told.trim());
    output(shell::command("npm").arg("--version")).context(advice)?;
    Ok(())
}

/// The major and minor version in `v20.19.1`.
fn version(told: &str) -> Option<(u32, u32)> {
    let mut parts = told.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// npm, in the clients' folder.
pub fn npm(arguments: &[&str]) -> Command {
    let mut npm = shell::command("npm");
    npm.current_dir(folder()).args(arguments);
    npm
}

/// Installs the clients' packages, unless exactly these are installed.
pub fn install(flags: &[&str]) -> anyhow::Result<()> {
    if is_installed() {
        return Ok(());
    }
    succeed(npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]).args(flags))
}

/// Builds the SDK and the web client, even if they are up to date.
pub fn build() -> anyhow::Result<()> {
    succeed(&mut npm(&["run", "--silent", "build"]))?;
    ensure!(index().exists(), "the build has left no clients/web/dist/index.html");
    Ok(())
}

/// Whether exactly the packages of the lock file are installed.
pub fn is_installed() -> bool {
    let read = |path: &str| -> Option<Value> {
        let text = fs::read_to_string(folder().join(path)).ok()?;
        serde_json::from_str(&text).ok()
    };
    match (read("package-lock.json"), read("node_modules/.package-lock.json")) {
        (Some(wanted), Some(there)) => is_same(&wanted, &there),
        _ => false,
    }
}

/// npm writes a list of what it has installed, in the form of the lock file. Optional packages may be missing: they are
/// for other machines.
fn is_same(wanted: &Value, there: &Value) -> bool {
    let packages = |lock: &Value| lock["packages"].as_object().cloned().unwrap_or_default();
    let (wanted, there) = (packages(wanted), packages(there));
    let same =
        |one: &Value, other: &Value| one["version"] == other["version"] && one["integrity"] == other["integrity"];
    let all_there = wanted.iter().filter(|(path, _)| !path.is_empty()).all(|(path, package)| match there.get(path) {
        Some(found) => same(package, found),
        None => package["optional"] == true || package["devOptional"] == true,
    });
    all_there && there.keys().all(|path| wanted.contains_key(path))
}

fn folder() -> PathBuf {
    root().join("clients")
}

/// The page, which the build writes last.
fn index() -> PathBuf {
    folder().join("web/dist/index.html")
}

/// Whether a source has changed since the client was built.
fn is_outdated() -> bool {
    let Some(built) = changed(&index()) else { return true };
    let sources = ["sdk", "web", "package.json", "package-lock.json", "tsconfig.base.json"];
    let newest = sources.iter().filter_map(|source| newest(&folder().join(source))).max();
    newest.is_none_or(|newest| newest > built)
}

/// When a file, or anything in a folder, last changed. A folder changes when an entry is added or removed.
fn newest(path: &Path) -> Option<SystemTime> {
    let inside = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    let inside = inside.filter(|entry| !NO_SOURCES.iter().any(|name| entry.file_name() == *name));
    inside.filter_map(|entry| newest(&entry.path())).chain(changed(path)).max()
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{OLDEST, is_same, version};

    #[test]
    fn an_old_version_of_node_is_distinguished_from_a_new_one() {
        for (told, good) in [
            ("v20.19.0\n", true),
            ("v20.20.2", true),
            ("v22.12.0", true),
            ("v24.0.0-nightly", true),
            ("v20.18.3", false),
            ("v18.20.4", false),
            ("20.19.0", false),
            ("", false),
            ("v", false),
        ] {
            assert_eq!(version(told).is_some_and(|version| version >= OLDEST), good, "{told}");
        }
    }

    #[test]
    fn exactly_the_locked_packages_must_be_installed() {
        let lock = |packages| json!({ "packages": packages });
        let one = json!({ "version": "1.0.0", "integrity": "a" });
        let wanted =
            lock(json!({ "": { "name": "x" }, "node_modules/one": one, "node_modules/mac": { "optional": true } }));
        assert!(is_same(&wanted, &lock(json!({ "node_modules/one": one }))));
        for there in [
            json!({}),
            json!({ "node_modules/one": { "version": "1.0.1", "integrity": "a" } }),
            json!({ "node_modules/one": { "version": "1.0.0", "integrity": "b" } }),
            json!({ "node_modules/one": one, "node_modules/two": one }),
        ] {
            assert!(!is_same(&wanted, &lock(there.clone())), "{there}");
        }
    }
}
