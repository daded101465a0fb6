//! Pages of the documents work as they stand: their commands are run by a shell, against the real program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use testkit::process::{Process, Setup};
use tokio::sync::Mutex;

/// Seconds. Building the WebSocket client is a part of it, on a machine that does not have it.
const PATIENCE: &str = "900";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The text between ```` ```sh ```` and ```` ``` ````, in order.
fn commands(page: &str) -> String {
    let mut inside = false;
    let mut commands = String::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => commands.extend([line, "\n"]),
            _ => {}
        }
    }
    commands
}

fn run(commands: &str, variables: &[(&str, &str)]) -> Output {
    let mut shell = Command::new("timeout");
    shell.args([PATIENCE, "bash", "-eu", "-o", "pipefail", "-c", commands]).current_dir(repository());
    shell.envs(variables.iter().copied());
    // Tools go to `target/tools`, wherever the build goes.
    shell.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    shell.output().expect("there is a shell")
}

/// Pages are followed one after another: the first builds the WebSocket client for all.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Runs a page's commands against a server of its own; what they have printed.
pub async fn follow(page: &str, environment: &[(&str, &str)]) -> String {
    follow_with(page, environment, &[]).await
}

/// The same with variables that the page's commands find besides `PALABRE`.
pub async fn follow_with(page: &str, environment: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let _turn = ONE_AT_A_TIME.lock().await;
    let name = page.rsplit('/').next().unwrap_or(page);
    let text = fs::read_to_string(repository().join(page)).expect("the page can be read");
    let data = std::env::temp_dir().join(format!("palabre-{name}-{}", std::process::id()));
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let binary = env!("CARGO_BIN_EXE_palabre").into();
    let setup = Setup { binary, data: data.clone(), database_url: None, environment, wrapper: Vec::new() };
    let server = Process::start(setup).await.expect("the server starts");
    let address = format!("http://{}", server.address());
    let variables: Vec<(&str, &str)> = variables.iter().copied().chain([("PALABRE", address.as_str())]).collect();
    let out = printed_by(&run(&commands(&text), &variables));
    drop(server);
    fs::remove_dir_all(&data).expect("the folder can be removed");
    out
}

/// Runs the commands of a page that starts its own servers, with the program in `PALABRE`; what they have printed.
pub async fn follow_alone(page: &str, variables: &[(&str, &str)]) -> String {
    let _turn = ONE_AT_A_TIME.lock().await;
    let text = fs::read_to_string(repository().join(page)).expect("the page can be read");
    let variables: Vec<(&str, &str)> =
        variables.iter().copied().chain([("PALABRE", env!("CARGO_BIN_EXE_palabre"))]).collect();
    printed_by(&run(&commands(&text), &variables))
}

fn printed_by(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The frames and bodies among what was printed.
pub fn printed(output: &str) -> Vec<Value> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
