//! The servers that the operator's tests start, and the questions that they put to the doctor.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::process::{Process, Setup};

pub const SECRET: &str = "a tree, a bench, and 3 long stories";

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A folder that is removed with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        // Two tests may choose the same name, and one would remove what the other is working on.
        let nth = FOLDERS.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("palabre-doctor-{name}-{}-{nth}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("folder");
        Self(folder)
    }

    /// A data folder as the server makes it.
    pub fn data(&self) -> PathBuf {
        let data = self.0.join("data");
        fs::create_dir_all(&data).expect("data");
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("rights");
        data
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program beside the tests, which ends with them.
pub struct Beside(Child);

impl Beside {
    /// Starts it, and waits until something listens on the port.
    pub fn start(command: &mut Command, port: u16) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let beside = Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}; cargo xtask check installs it")));
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        beside
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // In order, so that its own children end too.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The doctor's report.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub report: Value,
}

impl Said {
    /// The findings of a level, as `check: says | cure`.
    pub fn of(&self, level: &str) -> Vec<String> {
        let findings = self.report["findings"].as_array().expect("findings");
        let line = |f: &Value| {
            let word = |name: &str| f[name].as_str().unwrap_or_default().to_owned();
            format!("{}: {} | {}", word("check"), word("says"), word("cure"))
        };
        findings.iter().filter(|finding| finding["level"] == level).map(line).collect()
    }

    /// There is a problem with these words, and the exit code says so.
    pub fn has_problem(&self, words: &[&str]) {
        let problems = self.of("problem");
        let found = problems.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
        assert!(found && self.code == 1 && self.report["healthy"] == false, "{words:?} in {self:#?}");
    }

    /// There is a warning with these words.
    pub fn has_warning(&self, words: &[&str]) {
        let found = self.of("warning").iter().any(|warning| words.iter().all(|word| warning.contains(word)));
        assert!(found, "{words:?} in {self:#?}");
    }
}

/// Runs the doctor with nothing in its environment but this; `shell` is what a shell does before.
pub fn doctor_in(shell: &str, data: &Path, environment: &[(&str, &str)]) -> Said {
    let command = format!("{shell} exec \"$0\" doctor --json --data-dir \"$1\"");
    let output = Command::new("sh")
        .args(["-c", &command, env!("CARGO_BIN_EXE_palabre")])
        .arg(data)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains(SECRET) && !String::from_utf8_lossy(&output.stderr).contains(SECRET), "a secret is told");
    let report = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    Said { code: output.status.code().expect("not by a signal"), report }
}

pub fn doctor(data: &Path, environment: &[(&str, &str)]) -> Said {
    doctor_in("", data, environment)
}

pub async fn server(folder: &Folder, environment: &[(&str, &str)]) -> Process {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let setup = Setup {
        binary: env!("CARGO_BIN_EXE_palabre").into(),
        data: folder.data(),
        database_url: None,
        environment,
        wrapper: Vec::new(),
    };
    Process::start(setup).await.expect("the server starts")
}

/// Settings of a node that lacks nothing, behind a proxy at this port.
pub fn well(listen: &str, url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PALABRE_SERVER__LISTEN", listen.to_owned()),
        ("PALABRE_SERVER__PUBLIC_URL", url.to_owned()),
        ("PALABRE_SERVER__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("PALABRE_SERVER__METRICS_LISTEN", "127.0.0.1:0".to_owned()),
        ("PALABRE_LIMITS__CONNECTIONS", "100".to_owned()),
    ]
}

pub fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
