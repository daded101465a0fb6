//! The command line as an operator uses it: the real program, in a folder of its own.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

/// An empty folder with nothing in the environment.
struct Shell(PathBuf);

/// What a command said and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("palabre-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("folder");
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect(name);
    }

    fn run(&self, words: &[&str]) -> Said {
        self.run_with(&[], "", words)
    }

    fn run_with(&self, environment: &[(&str, &str)], input: &str, words: &[&str]) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_palabre"))
            .args(words)
            .current_dir(&self.0)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stdin = child.stdin.take().expect("stdin");
        // A command that reads nothing may be gone before this is written.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("ended");
        Said {
            code: output.status.code().expect("not by a signal"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_command_has_help() {
    let shell = Shell::new("help");
    let commands = "serve|migrate|user|user add|user list|user password|user role|user token|room|room create|\
                    room list|config|config template|config check|config docs|bench|version";
    for command in commands.split('|') {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let said = shell.run(&words);
        assert_eq!(said.code, 0, "{command}: {}", said.err);
        assert!(said.out.contains(&format!("Usage: palabre {command}")), "{command}: {}", said.out);
        assert!(said.out.contains("--config"), "{command}");
    }
    let said = shell.run(&["version"]);
    assert_eq!((said.code, said.out.trim()), (0, concat!("palabre ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_command_line_or_configuration_ends_with_2_and_says_what_is_allowed() {
    let shell = Shell::new("wrong");
    for words in
        [&["sing"][..], &["user", "add"], &["user", "add", "ann", "--role", "queen"], &["serve", "--lisen", "x"]]
    {
        assert_eq!(shell.run(words).code, 2, "{words:?}");
    }
    for words in [
        &["config", "check", "--config", "missing.toml"][..],
        &["config", "check", "--listen", "somewhere"],
        &["serve", "--listen", "somewhere"],
        &["user", "list", "--database-url", "mysql://x"],
    ] {
        let said = shell.run(words);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}");
        assert!(said.err.contains("--listen: server.listen") || words[3] != "somewhere", "{}", said.err);
    }
    let said = shell.run_with(&[("PALABRE_SERVER__LISEN", "x")], "", &["serve"]);
    assert!(said.code == 2 && said.err.contains("PALABRE_SERVER__LISEN"), "{}", said.err);
    assert!(!shell.0.join("data").exists(), "nothing was made");
}

#[test]
fn the_layers_are_told_with_their_origins() {
    let shell = Shell::new("layers");
    shell.write("palabre.toml", "[server]\nname = \"Usual\"\nshutdown_seconds = 5\n");
    shell.write("other.toml", "[server]\nname = \"Other\"\n");
    let line = |said: &Said, key: &str| {
        let line = said.out.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("{key}: {}{}", said.out, said.err))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let said = shell.run(&["config", "check"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Usual\" # palabre.toml");
    assert_eq!(line(&said, "server.listen"), "server.listen = \"127.0.0.1:8080\" # default");

    let environment = [("PALABRE_CONFIG", "other.toml"), ("WS_BIND_ADDR", "0.0.0.0:9001"), ("LOG_FORMAT", "json")];
    let said = shell.run_with(&environment, "", &["config", "check", "--listen", "127.0.0.1:0"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Other\" # other.toml");
    assert_eq!(line(&said, "server.shutdown_seconds"), "server.shutdown_seconds = 30 # default");
    assert_eq!(line(&said, "server.listen"), "server.listen = \"127.0.0.1:0\" # --listen");
    assert_eq!(line(&said, "chat_server.listen"), "chat_server.listen = \"0.0.0.0:9001\" # WS_BIND_ADDR");
    assert_eq!(line(&said, "log.format"), "log.format = \"json\" # LOG_FORMAT");

    let said = shell.run_with(&environment, "", &["--config", "palabre.toml", "config", "check"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Usual\" # palabre.toml");
}

#[test]
fn the_template_is_accepted_as_it_is_printed() {
    let shell = Shell::new("template");
    let before = shell.run(&["config", "check"]).out;
    shell.write("palabre.toml", &shell.run(&["config", "template"]).out);
    let after = shell.run(&["config", "check"]);
    assert_eq!((after.code, after.out), (0, before));
}
