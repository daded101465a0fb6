//! The troubles of a world: their kinds, times and lengths.

use std::time::Duration;

use crate::{
    agenda::{Happening, Trouble},
    world::{World, note},
};

impl World<'_> {
    /// Plans the troubles before this moment.
    pub(crate) fn plan_troubles(&mut self, before: Duration) {
        let until = u64::try_from(before.as_micros()).unwrap_or(u64::MAX);
        for _ in 0..self.dice.between(2, 12) {
            let node = usize::try_from(self.dice.below(self.nodes.len() as u64)).unwrap_or(0);
            let client = usize::try_from(self.dice.below(self.clients.len() as u64)).unwrap_or(0);
            let (trouble, most) = match self.dice.below(20) {
                0..4 => (Trouble::Node(node), 2_500),
                4..8 => (Trouble::Wire(node), 4_000),
                8..11 => (Trouble::Cable(node), 2_500),
                11..13 => (Trouble::Slowness(node), 4_000),
                13..16 => (Trouble::Redis, 4_000),
                16..18 => (Trouble::Machine, 1_500),
                _ => (Trouble::Line(client), 1),
            };
            let at = Duration::from_micros(self.dice.below(until));
            let lasting = Duration::from_millis(self.dice.between(1, most));
            self.agenda.plan(at, Happening::Breaks(trouble));
            self.agenda.plan(at + lasting, Happening::Heals(trouble));
        }
    }

    pub(crate) fn breaks(&mut self, trouble: Trouble) {
        if self.quiet {
            return;
        }
        note!(self, "{trouble:?} breaks");
        self.figures.troubles += 1;
        match trouble {
            Trouble::Node(node) => self.kill(node),
            Trouble::Cable(node) => {
                self.nodes[node].cable_cut = true;
                self.nodes[node].cable += 1;
                self.doubt_flights(Some(node));
            }
            Trouble::Wire(node) => {
                self.redis.cut(node, true);
                self.lose_redis(node);
            }
            Trouble::Slowness(node) => self.nodes[node].slow = true,
            Trouble::Redis => {
                self.redis.up = false;
                (0..self.nodes.len()).for_each(|node| self.lose_redis(node));
            }
            Trouble::Machine => {
                self.machine_down = true;
                self.nodes.iter_mut().for_each(|node| node.cable += 1);
                self.doubt_flights(None);
            }
            Trouble::Line(client) => self.break_line(client),
        }
    }

    pub(crate) fn heals(&mut self, trouble: Trouble) -> anyhow::Result<()> {
        match trouble {
            Trouble::Node(node) => {
                if !self.nodes[node].up {
                    self.start_node(node)?;
                }
            }
            Trouble::Cable(node) => self.nodes[node].cable_cut = false,
            Trouble::Wire(node) => self.redis.cut(node, false),
            Trouble::Slowness(node) => self.nodes[node].slow = false,
            Trouble::Redis => self.redis.up = true,
            Trouble::Machine => self.machine_down = false,
            Trouble::Line(_) => {}
        }
        Ok(())
    }
}
