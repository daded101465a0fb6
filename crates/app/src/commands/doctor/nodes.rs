//! Whether the nodes that run on this database fit together, and with this configuration.

use store::doctor::Examined;

use super::finding::Finding;
use crate::{
    alike::{About, others},
    config::Config,
};

const CHECK: &str = "nodes";
const CURE: &str = "give all nodes the same settings, but for where they listen and keep their files";

pub(super) fn judge(config: &Config, examined: &Examined) -> Vec<Finding> {
    if examined.epoch.is_none() {
        return Vec::new();
    }
    let all = others(&examined.nodes, 0);
    if all.is_empty() {
        return vec![Finding::note(CHECK, "no node runs on this database")];
    }
    let Ok(own) = About::of(config, 0) else { return Vec::new() };
    let mut findings = Vec::new();
    for node in &all {
        findings.extend(own.differences(node).into_iter().map(|(is_grave, says)| {
            if is_grave { Finding::problem(CHECK, says, CURE) } else { Finding::warning(CHECK, says, CURE) }
        }));
        let told = node.wrong.iter().map(|what| format!("the node at {} says: {what}", node.listen));
        findings.extend(told.map(|says| Finding::problem(CHECK, says, CURE)));
    }
    if findings.is_empty() {
        findings.push(Finding::good(CHECK, format!("{} on this database, alike in what must be", all.len())));
    }
    findings
}
