//! A talker's actions: it sends, changes, reacts, moves members, reads.

use std::time::{SystemTime, UNIX_EPOCH};

use chat::Millis;
use dialects::time::Time;

use super::*;

impl Talker {
    /// Does one thing.
    pub(super) async fn act(&mut self, socket: &mut Socket) -> Result<()> {
        let Habits { edit, react, change_members, read, draft, remind, .. } = self.habits;
        let mut chance = self.dice.between(0, 100);
        let mut falls_on = |share: u64| {
            let falls = chance < share;
            chance = if falls { u64::MAX } else { chance.saturating_sub(share) };
            falls
        };
        if falls_on(edit) {
            self.change(socket).await
        } else if falls_on(react) {
            self.react(socket).await
        } else if falls_on(change_members) {
            self.change_members(socket).await
        } else if falls_on(read) {
            self.read(socket).await
        } else if falls_on(remind) {
            self.remind(socket).await
        } else if falls_on(draft) {
            self.draft(socket).await
        } else {
            self.chat(socket).await
        }
    }

    /// Edits or deletes one of its own messages.
    async fn change(&mut self, socket: &mut Socket) -> Result<()> {
        if self.own.is_empty() {
            return Ok(());
        }
        let index = self.dice.between(0, self.own.len() as u64);
        let (conversation, seq) = self.own.swap_remove(usize::try_from(index)?);
        let name = self.name("change");
        if self.habits.react > 0 && self.dice.one_in(3) {
            self.note(Step::Delete { conversation, seq });
            self.asked.insert(name.clone(), Asked::Delete { conversation, seq });
            return say(socket, &name, "message.delete", json!({"conversation": conversation, "seq": seq})).await;
        }
        let text = format!("{} edited {seq} in {conversation}", self.history.client);
        self.note(Step::Edit { conversation, seq, content: Content::of(&text) });
        self.asked.insert(name.clone(), Asked::Edit { conversation, seq });
        say(socket, &name, "message.edit", json!({"conversation": conversation, "seq": seq, "text": text})).await
    }

    async fn react(&mut self, socket: &mut Socket) -> Result<()> {
        let recent: Vec<(i64, i64)> = self.recent.iter().copied().collect();
        let Some((conversation, seq)) = self.dice.pick(&recent).copied() else { return Ok(()) };
        let (name, emoji) = (self.name("react"), self.dice.pick(&EMOJI).copied().unwrap_or("👍"));
        let command = if self.dice.one_in(4) { "reaction.remove" } else { "reaction.add" };
        self.note(Step::React { conversation, seq });
        self.asked.insert(name.clone(), Asked::React { conversation, seq });
        say(socket, &name, command, json!({"conversation": conversation, "seq": seq, "emoji": emoji})).await
    }

    /// Asks for a reminder of a received message, once for each.
    async fn remind(&mut self, socket: &mut Socket) -> Result<()> {
        let recent: Vec<(i64, i64)> = self.recent.iter().copied().filter(|one| !self.reminded.contains(one)).collect();
        let Some((conversation, seq)) = self.dice.pick(&recent).copied() else { return Ok(()) };
        self.reminded.insert((conversation, seq));
        let ahead = self.dice.millis(1_200, 4_000);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + ahead;
        let at = Time(Millis(i64::try_from(at.as_millis())?)).to_string();
        let name = self.name("remind");
        self.note(Step::Remind { conversation, seq });
        self.asked.insert(name.clone(), Asked::Remind { conversation, seq });
        say(socket, &name, "reminder.create", json!({"conversation": conversation, "seq": seq, "at": at})).await
    }

    async fn change_members(&mut self, socket: &mut Socket) -> Result<()> {
        let free = |(index, charge): (usize, &Charge)| charge.wanted.is_none().then_some(index);
        let free: Vec<usize> = self.charges.iter().enumerate().filter_map(free).collect();
        let Some(index) = self.dice.pick(&free).copied() else { return Ok(()) };
        self.charges[index].wanted = Some((!self.charges[index].inside, false));
        self.bring_about(socket, index).await
    }

    /// Asks for the wanted membership.
    pub(super) async fn bring_about(&mut self, socket: &mut Socket, index: usize) -> Result<()> {
        let charge = &mut self.charges[index];
        let Some((inside, _)) = charge.wanted else { return Ok(()) };
        charge.under_way = true;
        let (conversation, user) = (charge.conversation, charge.user);
        let (own, name) = (user == self.history.author, self.name("move"));
        self.note(Step::Move { conversation, user, inside });
        self.asked.insert(name.clone(), Asked::Move { charge: index });
        let (command, data) = match (own, inside) {
            (true, true) => ("conversation.join", json!({"conversation": conversation})),
            (true, false) => ("conversation.leave", json!({"conversation": conversation})),
            (false, true) => ("member.add", json!({"conversation": conversation, "user": user})),
            (false, false) => ("member.remove", json!({"conversation": conversation, "user": user})),
        };
        say(socket, &name, command, data).await
    }

    /// Saves a draft, or discards it.
    async fn draft(&mut self, socket: &mut Socket) -> Result<()> {
        let Some(conversation) = self.dice.pick(&self.places).copied() else { return Ok(()) };
        let name = self.name("draft");
        self.asked.insert(name.clone(), Asked::Draft);
        if self.dice.one_in(4) {
            return say(socket, &name, "draft.discard", json!({"conversation": conversation})).await;
        }
        let text = format!("{} of {} in {conversation}", name, self.history.client);
        say(socket, &name, "draft.save", json!({"conversation": conversation, "text": text})).await
    }

    /// Asks for the next piece of its account, if that must be read again.
    pub(super) async fn ask_for_account(&mut self, socket: &mut Socket) -> Result<()> {
        let name = self.name("account");
        let Some(reading) = self.reading.as_mut().filter(|reading| !reading.under_way) else { return Ok(()) };
        reading.under_way = true;
        let since = reading.since;
        self.asked.insert(name.clone(), Asked::Account);
        say(socket, &name, "account.sync", json!({"since": since})).await
    }

    /// Reads a page, searches, catches up from a known number, or moves the read marker.
    async fn read(&mut self, socket: &mut Socket) -> Result<()> {
        let Some(conversation) = self.dice.pick(&self.places).copied() else { return Ok(()) };
        let (name, begun) = (self.name("read"), self.now());
        let cursor = self.cursors.get(&conversation).copied();
        match (self.dice.between(0, 4), cursor) {
            // Not by the dice: what they fall on has been the same since there were rounds.
            (0 | 1, _) | (_, None) if self.said.is_multiple_of(3) => self.search(socket, conversation).await,
            (0 | 1, _) | (_, None) => {
                self.asked.insert(name.clone(), Asked::Read { conversation, begun });
                say(socket, &name, "message.history", json!({"conversation": conversation, "limit": 30})).await
            }
            (2, Some(cursor)) => {
                self.asked.insert(name.clone(), Asked::Sync { conversation });
                let since = cursor.saturating_sub(10).max(0);
                say(socket, &name, "conversation.sync", json!({"conversation": conversation, "since": since})).await
            }
            (_, Some(cursor)) => {
                self.asked.insert(name.clone(), Asked::Marker { conversation, begun });
                let seq = cursor.saturating_sub(i64::try_from(self.dice.between(0, 5))?).max(0);
                say(socket, &name, "marker.read", json!({"conversation": conversation, "seq": seq})).await
            }
        }
    }

    /// Searches in a conversation, or everywhere; in every text one of these words stands.
    async fn search(&mut self, socket: &mut Socket, conversation: i64) -> Result<()> {
        let (name, begun) = (self.name("search"), self.now());
        let word = if self.said.is_multiple_of(2) { "says" } else { "edited" };
        self.asked.insert(name.clone(), Asked::Search { conversation, begun });
        let mut data = json!({"q": word, "limit": 50});
        if self.said.is_multiple_of(5) {
            data["conversation"] = json!(conversation);
        }
        say(socket, &name, "message.search", data).await
    }

    /// Sends a few messages at once.
    async fn chat(&mut self, socket: &mut Socket) -> Result<()> {
        for _ in 0..self.dice.between(1, 4) {
            if self.pending.len() >= PIPELINE {
                break;
            }
            let known: Vec<i64> =
                self.places.iter().copied().filter(|place| self.cursors.contains_key(place)).collect();
            // The first conversation is the busiest.
            let hot = self.dice.one_in(3).then(|| known.first()).flatten().copied();
            let Some(conversation) = hot.or_else(|| self.dice.pick(&known).copied()) else { break };
            self.said += 1;
            let cid = format!("{}-{}-{:08x}", self.history.client, self.said, self.dice.roll() >> 32);
            let mut text = format!("{} says for the {}th time: {cid}", self.history.client, self.said);
            text.extend(std::iter::repeat_n('.', self.habits.padding));
            self.pending.push_back(Pending { conversation, cid, text, under_way: false, doubtful: false });
            self.send(socket, self.pending.len() - 1).await?;
        }
        Ok(())
    }
}
