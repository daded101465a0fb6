//! Reading: defaults, then the TOML file, then the environment, then flags.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use super::{
    Config, Input, Key, SECTIONS, hosts,
    key::kind,
    keys,
    old_names::{self, Said},
};

/// The file that is read if none is named.
const USUAL_FILE: &str = "palabre.toml";
/// The variable that names the file.
const FILE_VARIABLE: &str = "PALABRE_CONFIG";
/// The variable that says where `palabre move` moves to: its URL holds a password, which others would see among the
/// arguments.
pub(crate) const MOVE_VARIABLE: &str = "PALABRE_MOVE_TO";

/// The configuration that the command line gives.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// Flag, key and value.
    pub settings: Vec<(&'static str, &'static str, String)>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// Nobody set it.
    Default,
    /// The TOML file.
    File(String),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    origins: BTreeMap<String, ValueSource>,
}

impl Loaded {
    /// Where the value of a key came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> ValueSource {
        self.origins.get(key).cloned().unwrap_or(ValueSource::Default)
    }
}

/// Everything that is wrong with a configuration, a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The fault.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not acceptable")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// The sources of the layers.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Name and text of the TOML file.
    pub file: Option<(String, String)>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Flag, key and value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// Reads the process's environment and the file, and puts the layers together.
///
/// # Errors
/// Every problem of every layer at once.
pub fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    let environment = environment().map_err(|problems| ConfigError { problems })?;
    let named = environment.get(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let file = match flags.file.clone().or(named) {
        Some(path) => Some(read_file(&path)?),
        None if Path::new(USUAL_FILE).exists() => Some(read_file(Path::new(USUAL_FILE))?),
        None => None,
    };
    merge(&Sources { file, environment, flags: flags.settings.clone() })
}

fn read_file(path: &Path) -> Result<(String, String), ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) => Err(ConfigError { problems: vec![format!("{} cannot be read: {error}", path.display())] }),
    }
}

/// The variables that are texts. Another program's may be anything; ours may not.
fn environment() -> Result<BTreeMap<String, String>, Vec<String>> {
    let (mut texts, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                texts.insert(name, value);
            }
            Err(_) if name.starts_with("PALABRE_") || is_old(&name) => problems.push(format!("{name}: is not UTF-8")),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

fn is_old(variable: &str) -> bool {
    let name = old_names::canonical(variable);
    old_names::OLD_NAMES.iter().any(|old| old.name == name)
}

/// Puts the layers together.
///
/// # Errors
/// Every problem of every layer at once.
pub fn merge(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut merging = Merging {
        keys: keys(),
        config: Config::default(),
        origins: BTreeMap::new(),
        problems: Vec::new(),
        set_by_layer: BTreeSet::new(),
    };
    if let Some((name, text)) = &sources.file {
        merging.file(name, text);
    }
    merging.environment(&sources.environment);
    for (flag, key, value) in &sources.flags {
        merging.set(key, Input::Text(value), ValueSource::Flag(flag));
    }
    merging.end_layer();
    if merging.problems.is_empty() {
        merging.problems = merging.config.check_together();
    }
    if merging.problems.is_empty() {
        Ok(Loaded { config: merging.config, origins: merging.origins })
    } else {
        Err(ConfigError { problems: merging.problems })
    }
}

struct Merging {
    keys: Vec<Key>,
    config: Config,
    origins: BTreeMap<String, ValueSource>,
    problems: Vec<String>,
    set_by_layer: BTreeSet<String>,
}

impl Merging {
    fn set(&mut self, path: &str, input: Input<'_>, origin: ValueSource) {
        let Some(key) = self.keys.iter().find(|key| key.path() == path) else {
            self.problems.push(format!("{origin}: there is no key {path}"));
            return;
        };
        match key.set(&mut self.config, input) {
            Ok(()) => {
                self.origins.insert(path.to_owned(), origin);
                self.set_by_layer.insert(path.to_owned());
            }
            Err(problem) => self.problems.push(format!("{origin}: {problem}")),
        }
    }

    /// A `log.level` ends the `log.filter` of the layers below it.
    fn end_layer(&mut self) {
        if self.set_by_layer.contains("log.level") && !self.set_by_layer.contains("log.filter") {
            self.config.log.filter = None;
            self.origins.remove("log.filter");
        }
        self.set_by_layer.clear();
    }

    fn file(&mut self, name: &str, text: &str) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                // Not the error's own form: it quotes the line, which may hold a secret.
                let at = error.span().map_or(0, |span| span.start.min(text.len()));
                let line = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
                self.problems.push(format!("{name}, line {line}: {}", error.message()));
                return;
            }
        };
        for (section, content) in &table {
            if section != hosts::SECTION && !SECTIONS.iter().any(|(known, _)| known == section) {
                self.problems.push(format!("{name}: there is no section [{section}] (allowed: {})", sections()));
                continue;
            }
            if section == hosts::SECTION {
                self.hosts_of_file(name, content);
                continue;
            }
            let toml::Value::Table(content) = content else {
                self.problems.push(format!("{name}: {section} is {}, not a section", kind(content)));
                continue;
            };
            for (key, value) in content {
                let path = format!("{section}.{key}");
                if self.keys.iter().any(|known| known.path() == path) {
                    self.set(&path, Input::Toml(value), ValueSource::File(name.to_owned()));
                } else {
                    let allowed = self.names_in(section, |key| key.name.to_owned());
                    self.problems.push(format!("{name}: there is no key {path} (allowed in [{section}]: {allowed})"));
                }
            }
        }
        self.end_layer();
    }

    fn hosts_of_file(&mut self, name: &str, content: &toml::Value) {
        let toml::Value::Table(content) = content else {
            self.problems.push(format!("{name}: hosts is {}, not a section for each host", kind(content)));
            return;
        };
        for (host, content) in content {
            let toml::Value::Table(content) = content else {
                let problem = format!("{name}: hosts.{host} is {}, not a section [hosts.{host}]", kind(content));
                self.problems.push(problem);
                continue;
            };
            let origin = ValueSource::File(name.to_owned());
            if content.is_empty() {
                self.set_of_host(host, None, origin);
                continue;
            }
            for (key, value) in content {
                self.set_of_host(host, Some((key, Input::Toml(value))), origin.clone());
            }
        }
    }

    /// Sets a key of a host, or says that there is the host.
    fn set_of_host(&mut self, host: &str, given: Option<(&str, Input<'_>)>, origin: ValueSource) {
        let host = match hosts::name(host) {
            Ok(host) => host,
            Err(wrong) => {
                self.problems.push(format!("{origin}: {wrong} (allowed: {})", hosts::NAME));
                return;
            }
        };
        let Some((name, input)) = given else {
            self.config.hosts.0.entry(host).or_default();
            return;
        };
        let keys = hosts::keys();
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            let allowed: Vec<&str> = keys.iter().map(|key| key.name).collect();
            let allowed = allowed.join(", ");
            self.problems
                .push(format!("{origin}: there is no key hosts.{host}.{name} (allowed in [hosts.{host}]: {allowed})"));
            return;
        };
        match key.set(&mut self.config.hosts, &host, input) {
            Ok(()) => {
                self.origins.insert(key.path(&host), origin);
            }
            Err(problem) => self.problems.push(format!("{origin}: {problem}")),
        }
    }

    fn names_in(&self, section: &str, name: impl Fn(&Key) -> String) -> String {
        self.keys.iter().filter(|key| key.section == section).map(name).collect::<Vec<_>>().join(", ")
    }

    fn environment(&mut self, environment: &BTreeMap<String, String>) {
        let names: Vec<(String, String)> = self.keys.iter().map(|key| (key.path(), key.variable())).collect();
        for (path, variable) in &names {
            match environment.get(variable).filter(|text| !text.is_empty()) {
                Some(text) => self.set(path, Input::Text(text), ValueSource::Variable(variable.clone())),
                None => self.old_names(path, environment),
            }
        }
        for name in environment.keys().filter(|name| name.starts_with("PALABRE_")) {
            if let Some((host, key)) = hosts::of_variable(name) {
                if let Some(text) = environment.get(name).filter(|text| !text.is_empty()) {
                    let given = Some((key.as_str(), Input::Text(text)));
                    self.set_of_host(&host, given, ValueSource::Variable(name.clone()));
                }
            } else if !names.iter().any(|(_, variable)| variable == name) && !is_not_a_key(name) {
                self.unknown_variable(name);
            }
        }
        self.end_layer();
    }

    fn unknown_variable(&mut self, name: &str) {
        let rest = name.trim_start_matches("PALABRE_").to_lowercase();
        let section = rest.split("__").next().unwrap_or_default();
        let allowed = match self.names_in(section, Key::variable) {
            none if none.is_empty() => format!("PALABRE_SECTION__KEY, where the section is one of {}", sections()),
            names => names,
        };
        self.problems.push(format!("{name}: there is no such variable (allowed: {allowed})"));
    }

    fn old_names(&mut self, path: &str, environment: &BTreeMap<String, String>) {
        let said = match old_names::said(path, environment) {
            Ok(said) => said,
            Err(problems) => return self.problems.extend(problems),
        };
        let Some(first) = said.first() else { return };
        let parts = said.iter().any(|(_, said)| !matches!(said, Said::Whole(_)));
        let agreed = if path == "server.listen" && (parts || said.len() > 1) {
            self.agree_on_address(&said)
        } else {
            self.agree_on_value(path, &said)
        };
        match agreed {
            Ok((names, text)) => self.set(path, Input::Text(&text), ValueSource::Variable(names)),
            Err(problem) => self.problems.push(format!("{problem} (remove one, or set {})", own_name(path, &first.0))),
        }
    }

    /// Compares what was said as the key understands it: `15m` and `15` may be the same.
    fn agree_on_value(&self, path: &str, said: &[(String, Said)]) -> Result<(String, String), String> {
        let understood = |text: &str| {
            let mut scratch = Config::default();
            let key = self.keys.iter().find(|key| key.path() == path)?;
            key.set(&mut scratch, Input::Text(text)).ok()?;
            key.get(&scratch)
        };
        let mut first: Option<(&String, &String)> = None;
        for (name, said) in said {
            let Said::Whole(text) = said else { continue };
            match first {
                None => first = Some((name, text)),
                Some((rival, other)) if text != other && understood(text) != understood(other) => {
                    return Err(format!("{rival} and {name} both set {path} and disagree"));
                }
                Some(_) => {}
            }
        }
        first.map(|(name, text)| (name.clone(), text.clone())).ok_or_else(|| format!("{path}: nothing was said"))
    }

    /// Hosts and ports may come from different variables; what is not said stays as it is.
    fn agree_on_address(&self, said: &[(String, Said)]) -> Result<(String, String), String> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for (name, said) in said {
            match said {
                Said::Host(host) => hosts.push((name, host.clone())),
                Said::Port(port) => ports.push((name, port.clone())),
                Said::Whole(text) => {
                    let address = super::values::address(text).map_err(|why| format!("{name}: \"{text}\" {why}"))?;
                    let ip = address.ip();
                    hosts.push((name, if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }));
                    ports.push((name, address.port().to_string()));
                }
            }
        }
        for list in [&hosts, &ports] {
            if let Some(rival) = list.iter().find(|(_, value)| *value != list[0].1) {
                return Err(format!("{} and {} both set server.listen and disagree", list[0].0, rival.0));
            }
        }
        let now = self.config.server.listen;
        let ip = now.ip();
        let unsaid = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let host = hosts.first().map_or(unsaid, |(_, host)| host.clone());
        let port = ports.first().map_or_else(|| now.port().to_string(), |(_, port)| port.clone());
        let mut names: Vec<&str> = hosts.iter().chain(&ports).map(|(name, _)| name.as_str()).collect();
        names.dedup();
        Ok((names.join(" and "), format!("{host}:{port}")))
    }
}

fn own_name(path: &str, fallback: &str) -> String {
    keys().iter().find(|key| key.path() == path).map_or_else(|| fallback.to_owned(), Key::variable)
}

fn sections() -> String {
    SECTIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Variables that begin like ours and are none: the file's name, where `palabre move` moves to, what tests and the load
/// are given, and what Kubernetes sets in every container for a service named `palabre`.
pub(crate) fn is_not_a_key(name: &str) -> bool {
    name == FILE_VARIABLE
        || name == MOVE_VARIABLE
        || name.starts_with("PALABRE_TEST_")
        || name.starts_with("PALABRE_BENCH_")
        || !name.contains("__") && (name.starts_with("PALABRE_SERVICE_") || name.starts_with("PALABRE_PORT"))
}
