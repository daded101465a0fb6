//! The finding of a check, and how it is told.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// It does not work, or will not keep a promise.
    Problem,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The thing that was looked at.
    pub check: &'static str,
    pub level: Level,
    /// The finding.
    pub says: String,
    /// The advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, level: Level::Good, says: says.into(), cure: None }
    }

    pub(super) fn note(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, level: Level::Note, says: says.into(), cure: None }
    }

    pub(super) fn warning(check: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, says: says.into(), cure: Some(cure.into()) }
    }

    pub(super) fn problem(check: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, level: Level::Problem, says: says.into(), cure: Some(cure.into()) }
    }
}

/// How many there are of a level.
pub(super) fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// The findings for people, a line for each and one for its cure.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!("{:<8} {:<9} {}", finding.level.word(), finding.check, finding.says));
        lines.extend(finding.cure.as_ref().map(|cure| format!("{:<18} cure: {cure}", "")));
    }
    lines.push(match (count(findings, Level::Problem), count(findings, Level::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("It works; warnings: {warnings}."),
        (problems, warnings) => format!("Problems: {problems}; warnings: {warnings}."),
    });
    lines.join("\n")
}

/// The findings for programs.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    version: &'static str,
    /// Whether there is no problem.
    healthy: bool,
    findings: &'a [Finding],
}

impl<'a> Report<'a> {
    pub(super) fn of(findings: &'a [Finding]) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), healthy: count(findings, Level::Problem) == 0, findings }
    }
}
