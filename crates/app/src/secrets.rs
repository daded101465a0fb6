//! The secrets of the server: the key that signs tokens, and the secret that makes the
//! first administrator. Both are files in the data folder, made on first start, for their owner only.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::config::{Config, Secret};

/// The key that signs access tokens.
const SIGNING_KEY: &str = "jwt.key";
/// The secret that makes the first administrator.
const SETUP_SECRET: &str = "setup.secret";
/// Random bytes in a secret.
const LENGTH: usize = 32;

/// Makes the data folder, with rights for its owner only, if it is not there.
///
/// # Errors
/// It cannot be made, or everybody may write to the one that is there.
pub fn prepare_folder(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    let mode = fs::metadata(folder)?.permissions().mode();
    ensure!(mode & 0o002 == 0, "everybody may write to the data folder {0}; run: chmod 700 {0}", folder.display());
    Ok(())
}

/// Makes a file that its owner alone may read, if it is not there; takes others' rights to it away.
///
/// # Errors
/// It can be neither made nor changed.
pub fn own_file(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)))
        .with_context(|| format!("{} cannot be kept for its owner only", path.display()))
}

/// The bytes that sign access tokens: the configured secret's, else a key that is made once and kept.
///
/// # Errors
/// The key cannot be made or read, or others may read it.
pub fn signing_key(config: &Config) -> anyhow::Result<Vec<u8>> {
    if let Some(secret) = &config.auth.jwt_secret {
        return Ok(secret.reveal().as_bytes().to_vec());
    }
    prepare_folder(&config.data.dir)?;
    let path = config.data.dir.join(SIGNING_KEY);
    let text = read_or_make(&path)?;
    let key = URL_SAFE_NO_PAD.decode(text.reveal()).ok().filter(|key| key.len() == LENGTH);
    key.with_context(|| format!("{} is not a key that this server made; restore it from a backup", path.display()))
}

/// The secret that makes the first administrator, as long as there is none; the same one on each
/// start. Once there is an administrator, it is removed.
///
/// # Errors
/// The file cannot be made, read or removed, or others may read it.
pub fn setup_secret(folder: &Path, admin_exists: bool) -> anyhow::Result<Option<Secret>> {
    if admin_exists {
        forget_setup_secret(folder)?;
        return Ok(None);
    }
    prepare_folder(folder)?;
    read_or_make(&folder.join(SETUP_SECRET)).map(Some)
}

/// Removes the secret that makes the first administrator, because it was used.
///
/// # Errors
/// The file cannot be removed.
pub fn forget_setup_secret(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(SETUP_SECRET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// Random bytes.
///
/// # Errors
/// The system has no randomness to give.
pub fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut random = [0; N];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(random)
}

/// A random text without anything that a URL or a shell would read as its own.
///
/// # Errors
/// The system has no randomness to give.
pub fn random_text(bytes: usize) -> anyhow::Result<Secret> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random)))
}

fn read_or_make(path: &Path) -> anyhow::Result<Secret> {
    match read(path)? {
        Some(secret) => Ok(secret),
        None => {
            make(path).with_context(|| format!("{} cannot be made", path.display()))?;
            // Read back: if two processes started at once, both use the one that is there.
            read(path)?.with_context(|| format!("{} is gone", path.display()))
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Secret>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{0} has the rights {mode:03o}, so that others may read it; run: chmod 600 {0} (and think whether they did)",
            path.display()
        );
    }
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("{} cannot be read", path.display()))?;
    let text = text.trim();
    ensure!(!text.is_empty(), "{} is empty; remove it to have a new one made", path.display());
    Ok(Some(Secret::new(text)))
}

/// Written aside, flushed, then linked to its name: there is never half a file under it, and never
/// one written over another.
fn make(path: &Path) -> anyhow::Result<()> {
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&aside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(random_text(LENGTH)?.reveal().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

    use super::{SETUP_SECRET, SIGNING_KEY, forget_setup_secret, setup_secret, signing_key};
    use crate::config::{Config, Secret};

    /// A folder that is removed with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("palabre-secrets-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn config(&self) -> Config {
            Config::in_folder(&self.0)
        }

        fn mode(&self, name: &str) -> u32 {
            fs::metadata(self.0.join(name)).expect(name).permissions().mode() & 0o777
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_signing_key_is_made_once_for_its_owner_only() {
        let folder = Folder::new("key");
        let key = signing_key(&folder.config()).expect("first start");
        assert_eq!(key.len(), 32);
        assert_eq!((folder.mode(""), folder.mode(SIGNING_KEY)), (0o700, 0o600));
        assert_eq!(signing_key(&folder.config()).expect("second start"), key);
        assert_eq!(fs::read_dir(&folder.0).expect("folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_configured_secret_needs_no_file() {
        let folder = Folder::new("configured");
        let mut config = folder.config();
        config.auth.jwt_secret = Some(Secret::new("configured"));
        assert_eq!(signing_key(&config).expect("configured"), b"configured");
        assert!(!folder.0.exists());
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_refused() {
        let folder = Folder::new("refused");
        signing_key(&folder.config()).expect("made");
        let path = folder.0.join(SIGNING_KEY);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        let problem = signing_key(&folder.config()).expect_err("readable").to_string();
        assert!(problem.contains("640") && problem.contains("chmod 600"), "{problem}");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
        for damage in ["", "dG9vIHNob3J0", "not base64 at all!"] {
            fs::write(&path, damage).expect("damage");
            assert!(signing_key(&folder.config()).is_err(), "{damage:?}");
            assert_eq!(fs::read_to_string(&path).expect("kept"), damage, "never overwritten");
        }
    }

    #[test]
    fn the_setup_secret_lives_until_there_is_an_administrator() {
        let folder = Folder::new("setup");
        let first = setup_secret(&folder.0, false).expect("made").expect("one");
        assert_eq!(folder.mode(SETUP_SECRET), 0o600);
        assert!(first.reveal().len() >= 43);
        assert_eq!(setup_secret(&folder.0, false).expect("read").expect("one"), first);
        forget_setup_secret(&folder.0).expect("used");
        forget_setup_secret(&folder.0).expect("used twice");
        assert!(!folder.0.join(SETUP_SECRET).exists());
        assert_ne!(setup_secret(&folder.0, false).expect("made anew").expect("one"), first);
        assert!(setup_secret(&folder.0, true).expect("administrator").is_none());
        assert!(!folder.0.join(SETUP_SECRET).exists());
    }

    #[test]
    fn a_folder_that_everybody_may_write_to_is_refused() {
        let folder = Folder::new("folder");
        fs::create_dir_all(&folder.0).expect("folder");
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).expect("chmod");
        assert!(signing_key(&folder.config()).is_err());
    }
}
