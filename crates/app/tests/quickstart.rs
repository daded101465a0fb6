//! The quick start works as it stands: its commands are run by a shell, against the real program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use testkit::process::{Process, Setup};

/// Seconds. Building the WebSocket client is a part of it, on a machine that does not have it.
const PATIENCE: &str = "900";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// What stands between ```` ```sh ```` and ```` ``` ````, in order.
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

fn run(commands: &str, server: &Process) -> Output {
    let mut shell = Command::new("timeout");
    shell.args([PATIENCE, "bash", "-eu", "-o", "pipefail", "-c", commands]).current_dir(repository());
    shell.env("PALABRE", format!("http://{}", server.address()));
    // Tools go to `target/tools`, wherever the build goes.
    shell.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    shell.output().expect("there is a shell")
}

/// The frames and bodies that the page's commands have printed.
fn printed(output: &str) -> Vec<Value> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn texts(messages: &Value) -> Vec<(i64, &str)> {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|m| Some((m["seq"].as_i64()?, m["text"].as_str()?))).collect()
}

#[tokio::test]
async fn the_page_shows_exactly_what_was_missed() {
    let page = fs::read_to_string(repository().join("docs/quickstart.md")).expect("the page can be read");
    let data = std::env::temp_dir().join(format!("palabre-quickstart-{}", std::process::id()));
    let binary = env!("CARGO_BIN_EXE_palabre").into();
    let setup = Setup { binary, data: data.clone(), database_url: None, environment: Vec::new() };
    let server = Process::start(setup).await.expect("the server starts");

    let output = run(&commands(&page), &server);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);

    let frames = printed(&out);
    let of_type = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    let changes = of_type("conversation.changes");
    assert_eq!(changes.len(), 1, "{out}");
    let missed = &changes[0]["data"];
    assert_eq!((&missed["from"], &missed["to"], &missed["reset"]), (&3.into(), &6.into(), &false.into()));
    assert_eq!(
        texts(&missed["messages"]),
        [(3, "Shall we sit under the tree?"), (4, "I have brought tea."), (5, "And a very long story.")]
    );
    assert_eq!(missed["members"], Value::Array(Vec::new()), "nobody came or went");
    assert_eq!(missed["conversation"]["head"], 6);

    let repeated: Vec<&Value> = of_type("message.sent").into_iter().filter(|f| f["data"]["repeated"] == true).collect();
    assert_eq!(repeated.len(), 1);
    assert_eq!(repeated[0]["data"]["seq"], 7, "a repeat gets the first answer");
    let history = frames.last().expect("the page ends with the history");
    assert_eq!(
        texts(&history["messages"]),
        [
            (3, "Shall we sit under the tree?"),
            (4, "I have brought tea."),
            (5, "And a very long story."),
            (7, "Then begin!")
        ]
    );

    drop(server);
    fs::remove_dir_all(&data).expect("the folder can be removed");
}
