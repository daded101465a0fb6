//! Records what a talker receives in its history.

use super::*;

impl Talker {
    pub(super) fn hear(&mut self, message: &Message) -> Result<()> {
        if let Some((code, reason)) = message.as_close() {
            bail!("closed with {code:?} {reason}");
        }
        let Some(text) = message.as_text() else { return Ok(()) };
        let frame: Value = serde_json::from_str(text).context("a frame that is not JSON")?;
        match frame["re"].as_str() {
            Some(re) => self.hear_answer(re, &frame)?,
            None => self.hear_news(&frame)?,
        }
        self.check_caught_up();
        Ok(())
    }

    fn hear_news(&mut self, frame: &Value) -> Result<()> {
        let kind = frame["type"].as_str().unwrap_or_default();
        if frame["account_seq"].is_i64() && !self.hear_account(kind, frame) {
            return Ok(());
        }
        let (Some(conversation), data) = (frame["conversation"].as_i64(), &frame["data"]) else { return Ok(()) };
        if let Some(seq) = frame["seq"].as_i64() {
            self.hear_event(kind, conversation, seq, data);
        } else if kind == "conversation.changes" {
            self.hear_changes(conversation, data)?;
        } else if kind == "conversation.added" {
            let head = data["head"].as_i64().context("a conversation without a head")?;
            self.cursors.insert(conversation, head);
            self.note(Step::Added { conversation, head });
        } else if kind == "conversation.removed" {
            self.cursors.remove(&conversation);
            self.recent.retain(|(place, _)| *place != conversation);
            self.note(Step::Removed { conversation });
        }
        Ok(())
    }

    /// Records an event of the account. True if it is live: a missed event does not say from where a conversation's
    /// events follow.
    fn hear_account(&mut self, kind: &str, frame: &Value) -> bool {
        if kind == "account.reset" {
            (self.account, self.reading) = (0, Some(Reading::default()));
            self.note(Step::AccountReset);
            return false;
        }
        let Some(event) = account_event(frame) else { return false };
        let seq = event.seq;
        self.account = self.account.max(seq);
        self.note(Step::Account { event });
        seq > self.live_from
    }

    /// Takes the next piece of an account that is read again.
    fn hear_account_changes(&mut self, data: &Value) -> Result<()> {
        let to = data["to"].as_i64().context("changes without to")?;
        let Some(mut reading) = self.reading.take() else { return Ok(()) };
        if data["reset"] == true {
            bail!("all of an account was asked for, and not told");
        }
        reading.events.extend(data["events"].as_array().into_iter().flatten().filter_map(account_event));
        if data["more"] == true {
            self.reading = Some(Reading { since: to, events: reading.events, under_way: false });
        } else {
            self.account = self.account.max(to);
            self.note(Step::AccountRead { to, events: reading.events });
        }
        Ok(())
    }

    fn hear_event(&mut self, kind: &str, conversation: i64, seq: i64, data: &Value) {
        let row = match kind.split_once('.') {
            Some(("message", _)) => row(data),
            Some(("reaction", _)) => row(&data["message"]),
            _ => None,
        };
        let user = data["member"]["user"]["id"].as_i64();
        let member = match kind {
            "member.joined" => user.map(|user| (user, true)),
            "member.left" => user.map(|user| (user, false)),
            _ => None,
        };
        let created = kind == "message.created";
        if created {
            self.recent.push_back((conversation, seq));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        self.note(Step::Event { conversation, seq, row, created, member });
        if let Some(cursor) = self.cursors.get_mut(&conversation) {
            *cursor = (*cursor).max(seq);
        }
    }

    fn hear_changes(&mut self, conversation: i64, data: &Value) -> Result<()> {
        let from = data["from"].as_i64().context("changes without from")?;
        let to = data["to"].as_i64().context("changes without to")?;
        let messages = data["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = messages.iter().filter_map(row).collect();
        let reset = data["reset"].as_bool().unwrap_or_default();
        self.note(Step::Changes { conversation, from, to, reset, rows });
        if let Some(cursor) = self.cursors.get_mut(&conversation) {
            *cursor = (*cursor).max(to);
        }
        Ok(())
    }

    fn hear_answer(&mut self, re: &str, frame: &Value) -> Result<()> {
        let (kind, data) = (frame["type"].as_str().unwrap_or_default(), &frame["data"]);
        if let Some(asked) = self.asked.remove(re) {
            return if kind == "error" { self.hear_no(asked, &frame["error"]) } else { self.hear_yes(asked, data) };
        }
        match kind {
            "authenticated" => self.hear_welcome(data)?,
            "message.sent" => self.hear_ack(re, data)?,
            "error" if re == "authenticate" && frame["error"]["code"] == "unavailable" => bail!("no database"),
            "error" if re == "authenticate" => bail!("the authentication was refused: {}", frame["error"]),
            "error" => self.hear_refusal(re, &frame["error"]),
            _ => {}
        }
        Ok(())
    }

    fn hear_welcome(&mut self, data: &Value) -> Result<()> {
        self.welcome = true;
        self.note(Step::Welcome { node: self.node });
        self.epoch = data["epoch"].as_str().context("a welcome without an epoch")?.to_owned();
        self.live_from = data["account_seq"].as_i64().context("a welcome without the account's number")?;
        let listed = data["conversations"].as_array().context("a welcome without conversations")?;
        let mut behind = BTreeMap::new();
        for one in listed {
            let (Some(conversation), Some(head)) = (one["id"].as_i64(), one["head"].as_i64()) else { continue };
            behind.insert(conversation, head);
            if self.places.contains(&conversation) && !self.cursors.contains_key(&conversation) {
                self.cursors.insert(conversation, head);
                self.note(Step::Resume { conversation, cursor: head });
            }
        }
        self.behind = Some(behind);
        Ok(())
    }

    fn check_caught_up(&mut self) {
        let Some(behind) = &mut self.behind else { return };
        // There is nothing to catch up on in a conversation that it is no longer a member of.
        behind.retain(|place, head| self.cursors.get(place).is_some_and(|cursor| cursor < head));
        if behind.is_empty() {
            self.behind = None;
            self.note(Step::CaughtUp);
        }
    }

    fn hear_ack(&mut self, re: &str, data: &Value) -> Result<()> {
        let number = |name: &str| data[name].as_i64().with_context(|| format!("an answer without {name}"));
        let (conversation, seq, message) = (number("conversation")?, number("seq")?, number("id")?);
        let repeated = data["repeated"].as_bool().context("an answer without repeated")?;
        let epoch = self.epoch.clone();
        self.note(Step::Ok { conversation, cid: re.to_owned(), seq, message, epoch, repeated });
        self.pending.retain(|pending| pending.cid != re);
        self.own.push((conversation, seq));
        Ok(())
    }

    fn hear_refusal(&mut self, re: &str, error: &Value) {
        let Some(index) = self.pending.iter().position(|pending| pending.cid == re) else { return };
        let cid = re.to_owned();
        // A refusal of the present attempt says nothing about an earlier one, which may still be on its way: over a
        // connection that was given up, to a node that can store it, or until the author is a member again.
        let passing = ["unavailable", "storage_full", "rate_limited", "not_found", "forbidden"];
        let passing = passing.iter().any(|code| error["code"] == *code);
        let pending = &mut self.pending[index];
        if error["code"] == "outcome_unknown" || (passing && pending.doubtful) {
            (pending.under_way, pending.doubtful) = (false, true);
            return self.note(Step::Unknown { cid });
        }
        self.pending.remove(index);
        self.note(Step::Fail { cid });
    }

    fn hear_yes(&mut self, asked: Asked, data: &Value) -> Result<()> {
        let number = |name: &str| data[name].as_i64().with_context(|| format!("an answer without {name}"));
        match asked {
            Asked::Edit { conversation, seq } => self.note(Step::Edited { conversation, seq, rev: number("rev")? }),
            Asked::Delete { conversation, seq } => self.note(Step::Deleted { conversation, seq, rev: number("rev")? }),
            Asked::React { conversation, seq } => self.note(Step::Reacted { conversation, seq, rev: number("rev")? }),
            Asked::Move { charge } => self.moved(charge),
            Asked::Read { conversation, begun } => {
                let messages = data["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
                let rows = messages.iter().filter_map(row).collect();
                self.note(Step::Read { conversation, begun, head: number("head")?, rows });
            }
            Asked::Sync { conversation } => self.hear_changes(conversation, data)?,
            Asked::Search { begun, .. } => self.hear_found(begun, data),
            Asked::Draft => self.note(Step::Drafted),
            Asked::Account => self.hear_account_changes(data)?,
            Asked::Marker { conversation, begun } => {
                self.note(Step::MarkerMoved { conversation, begun, read_seq: number("read_seq")? });
            }
            Asked::Remind { conversation, seq } => {
                self.note(Step::Reminded { conversation, seq, reminder: number("id")? });
            }
        }
        Ok(())
    }

    /// Notes what was found, for each conversation by itself.
    fn hear_found(&mut self, begun: u64, data: &Value) {
        let mut found: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for result in data["results"].as_array().into_iter().flatten() {
            let message = &result["message"];
            let place = message["conversation"].as_i64().unwrap_or_default();
            found.entry(place).or_default().extend(row(message));
        }
        if found.is_empty() {
            found.insert(0, Vec::new());
        }
        for (conversation, rows) in found {
            self.note(Step::Searched { conversation, begun, rows });
        }
    }

    fn hear_no(&mut self, asked: Asked, error: &Value) -> Result<()> {
        match asked {
            Asked::Account => {
                if let Some(reading) = &mut self.reading {
                    reading.under_way = false;
                }
            }
            Asked::Read { conversation, .. } | Asked::Sync { conversation } | Asked::Search { conversation, .. }
                if error["code"] == "not_found" =>
            {
                self.note(Step::Denied { conversation });
            }
            Asked::Move { charge } => {
                let Some(Charge { wanted: Some((inside, again)), under_way, .. }) = self.charges.get_mut(charge) else {
                    return Ok(());
                };
                *under_way = false;
                // "Not found" means that the member is gone, if the removal was asked for before with an unknown
                // outcome.
                if error["code"] == "not_found" && !*inside && *again {
                    self.moved(charge);
                } else if let Some(Charge { wanted: Some((_, again)), .. }) = self.charges.get_mut(charge) {
                    *again = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Records that a membership is as it was wanted.
    fn moved(&mut self, charge: usize) {
        let Some(charge) = self.charges.get_mut(charge) else { return };
        charge.under_way = false;
        let Some((inside, _)) = charge.wanted.take() else { return };
        charge.inside = inside;
        let (conversation, user) = (charge.conversation, charge.user);
        self.note(Step::Moved { conversation, user, inside });
    }
}
