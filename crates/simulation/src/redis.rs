//! Redis, as nodes know it: a doorbell that loses, doubles and delays, and is away at times.

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use chat::Outgoing;
use stream::wire::{self, Heard};

use crate::{
    agenda::{Channel, Happening, Letter},
    node::Meanwhile,
    world::{World, note},
};

/// The server and its lines to the nodes.
#[derive(Debug)]
pub(crate) struct Redis {
    pub up: bool,
    links: Vec<Link>,
}

#[derive(Clone, Debug, Default)]
struct Link {
    cut: bool,
    connected: bool,
    /// Counts the lines: what was sent over an earlier one is lost.
    wire: u32,
    channels: BTreeSet<Channel>,
}

impl Redis {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { up: true, links: vec![Link::default(); nodes] }
    }

    pub(crate) fn reaches(&self, node: usize) -> bool {
        self.up && self.links[node].connected
    }

    pub(crate) fn wire(&self, node: usize) -> u32 {
        self.links[node].wire
    }

    /// A line breaks; its subscriptions are gone.
    pub(crate) fn drop_line(&mut self, node: usize) {
        let link = &mut self.links[node];
        *link = Link { cut: link.cut, wire: link.wire + 1, ..Link::default() };
    }

    pub(crate) fn cut(&mut self, node: usize, cut: bool) {
        self.links[node].cut = cut;
    }
}

impl World<'_> {
    /// A node tries to connect; if it can, it subscribes and looks for what it has missed.
    pub(crate) fn seeks_redis(&mut self, node: usize) {
        if self.redis.reaches(node) {
            return;
        }
        let life = self.nodes[node].life;
        if !self.redis.up || self.redis.links[node].cut {
            self.plan_in(300_000, Happening::SeeksRedis { node, life });
            return;
        }
        let rooms = self.nodes[node].rooms.keys().map(|room| Channel::Conversation(*room));
        let channels = rooms.chain([Channel::Invalidations]).collect();
        let link = &mut self.redis.links[node];
        *link = Link { connected: true, channels, wire: link.wire + 1, cut: false };
        self.nodes[node].hears = true;
        note!(self, "node {node} has reached Redis");
        self.ask_heads(node);
    }

    pub(crate) fn redis_is_away(&mut self, node: usize) {
        if !self.redis.reaches(node) {
            note!(self, "node {node} finds Redis away");
            self.nodes[node].hears = false;
            self.seeks_redis(node);
        }
    }

    pub(crate) fn subscribes(&mut self, node: usize, wire: u32, channel: Channel, wanted: bool) {
        let link = &mut self.redis.links[node];
        if !link.connected || link.wire != wire {
            return;
        }
        if wanted {
            link.channels.insert(channel)
        } else {
            link.channels.remove(&channel)
        };
        if let Channel::Conversation(conversation) = channel
            && wanted
        {
            // What was said before this moment was not heard.
            self.ask_heads_of(node, vec![conversation]);
        }
    }

    pub(crate) fn at_redis(&mut self, node: usize, wire: u32, channel: Channel, letter: &Rc<Letter>) {
        if !self.redis.up || self.redis.wire(node) != wire {
            return;
        }
        for to in 0..self.nodes.len() {
            let link = &self.redis.links[to];
            if to == node || !link.connected || !link.channels.contains(&channel) || self.dice.chance(self.weather.lost)
            {
                continue;
            }
            let wire = link.wire;
            let within = if self.dice.chance(self.weather.late) { 3_000_000 } else { self.weather.redis };
            let within = self.pace(to, within);
            self.plan_in(within, Happening::FromRedis { node: to, wire, letter: letter.clone() });
            if self.dice.chance(self.weather.doubled) {
                self.plan_in(1_000_000, Happening::FromRedis { node: to, wire, letter: letter.clone() });
            }
        }
    }

    pub(crate) fn hears_redis(&mut self, node: usize, wire: u32, letter: &Letter) {
        if !self.nodes[node].up || self.redis.wire(node) != wire {
            return;
        }
        match letter {
            Letter::Invalidation(invalidation) => self.invalidated(node, *invalidation),
            Letter::Frame(conversation, frame) => {
                for heard in wire::decode(*conversation, frame) {
                    match heard {
                        Heard::Outgoing(Outgoing::Event(event)) => {
                            note!(self, "node {node} hears {}", self.shown(&event));
                            self.nodes[node].keep(Meanwhile::Outgoing(Rc::new(vec![Outgoing::Event(event.clone())])));
                            self.offer(node, event);
                        }
                        Heard::Number(number) => self.heard_of(node, *conversation, number),
                        Heard::Outgoing(_) => {}
                    }
                }
            }
        }
    }

    /// Redis stops: every line breaks, and sooner or later the nodes find out.
    pub(crate) fn lose_redis(&mut self, node: usize) {
        self.redis.drop_line(node);
        let life = self.nodes[node].life;
        let after = Duration::from_micros(self.dice.below(1_500_000));
        self.agenda.plan(self.now + after, Happening::RedisIsAway { node, life });
    }
}
