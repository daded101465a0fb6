//! The data folder: whose it is, who may look into it, and how much room is left.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access, statvfs};

use super::finding::Finding;
use crate::config::Config;

const CHECK: &str = "folder";
/// Bytes that should be free, and below which the next burst of talk may fill the disk.
const ROOMY: u64 = 1 << 30;
const TIGHT: u64 = 64 << 20;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let folder = &config.data.dir;
    let shown = folder.display();
    let about = match fs::metadata(folder) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return vec![absent(folder)],
        Err(error) => {
            return vec![Finding::problem(CHECK, format!("{shown} cannot be looked at: {error}"), GIVE)];
        }
    };
    if !about.is_dir() {
        return vec![Finding::problem(CHECK, format!("{shown} is not a folder"), "set data.dir to a folder")];
    }
    let mut findings = rights(folder, &about);
    findings.extend(keys(config));
    findings.extend(space(folder));
    findings
}

const GIVE: &str = "give the folder to the server's user: chown -R palabre: FOLDER; chmod 700 FOLDER";

/// The server makes the folder when it first starts, if it may.
fn absent(folder: &Path) -> Finding {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let above = absolute.ancestors().skip(1).find(|above| above.exists()).map_or(PathBuf::from("/"), Path::to_owned);
    if access(&above, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return Finding::note(CHECK, format!("{} is not there yet; the first start makes it", folder.display()));
    }
    Finding::problem(
        CHECK,
        format!("{} is not there, and this user may not make it in {}", folder.display(), above.display()),
        format!("make it: install -d -m 700 -o palabre {}", folder.display()),
    )
}

fn rights(folder: &Path, about: &fs::Metadata) -> Vec<Finding> {
    let (shown, mode) = (folder.display(), about.permissions().mode() & 0o777);
    let mut findings = Vec::new();
    if mode & 0o002 != 0 {
        let says = format!("everybody may write to {shown}; the server does not start on it");
        findings.push(Finding::problem(CHECK, says, format!("chmod 700 {shown}")));
    } else if mode & 0o077 != 0 {
        let says = format!("others than its owner may look into {shown} (rights {mode:03o})");
        findings.push(Finding::warning(CHECK, says, format!("chmod 700 {shown}")));
    }
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own {
        findings.push(Finding::warning(
            CHECK,
            format!(
                "{shown} belongs to user {}, but the doctor runs as user {own}, who may do other things",
                about.uid()
            ),
            "run the doctor as the server's user: sudo -u palabre palabre doctor …",
        ));
    }
    if access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        findings.push(Finding::problem(CHECK, format!("{shown} cannot be written to by user {own}"), GIVE));
    }
    if findings.is_empty() {
        findings.push(Finding::good(CHECK, format!("{shown} is its owner's alone and can be written to")));
    }
    findings
}

/// Files that the server refuses if others may read them.
fn keys(config: &Config) -> Vec<Finding> {
    let own_key = config.auth.jwt_secret.is_none().then_some("jwt.key");
    let names = own_key.into_iter().chain(["setup.secret"]);
    let readable = names
        .map(|name| config.data.dir.join(name))
        .filter(|path| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0));
    let says = |path: &Path| format!("others than its owner may read {}; the server does not start", path.display());
    readable.map(|path| Finding::problem(CHECK, says(&path), format!("chmod 600 {}", path.display()))).collect()
}

fn space(folder: &Path) -> Option<Finding> {
    let disk = statvfs(folder).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let says = format!("{} MiB are free on the disk of {}", free >> 20, folder.display());
    let cure = "free some room, or move the folder to a larger disk; a full disk refuses every message";
    Some(match free {
        0..TIGHT => Finding::problem("space", says, cure),
        TIGHT..ROOMY => Finding::warning("space", says, cure),
        _ => Finding::good("space", says),
    })
}
