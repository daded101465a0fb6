//! Reactions: one emoji by one person on one message, at most once.

use chat::{
    ConversationId, Error, Fact, Limits, Number, Reply, Result, UserId, messages::Message, policies::Ability, reactions,
};

use crate::{Call, emoji::require_known, messages::changed, text};

impl Call {
    pub(crate) async fn add_reaction(&self, conversation: ConversationId, seq: Number, emoji: String) -> Result<Reply> {
        let emoji = checked(&emoji, self.settings.limits.emoji_length)?;
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::React)?;
                let message = access.live_message(&mut unit.conn, seq).await?;
                let user = call.speaker.user;
                if has_reacted(&message, &emoji, user) {
                    return Ok(Reply::Message(Box::new(message)));
                }
                require_known(&mut unit.conn, &emoji).await?;
                check_room_for(&message, &emoji, user, &call.settings.limits)?;
                let number = unit.next_number(conversation).await?;
                store::reactions::add(&mut unit.conn, message.id, &emoji, user, number).await?;
                store::mentions::react(&mut unit.conn, &message, user, &emoji, number, unit.now).await?;
                store::messages::touch(&mut unit.conn, conversation, seq, number).await?;
                let message = changed(unit, conversation, seq).await?;
                let fact = Fact::ReactionAdded { message: message.clone(), user, emoji };
                unit.record(conversation, number, user, fact);
                Ok(Reply::Message(Box::new(message)))
            })
        })
        .await
    }

    pub(crate) async fn remove_reaction(
        &self,
        conversation: ConversationId,
        seq: Number,
        emoji: String,
    ) -> Result<Reply> {
        // Reactions from before there were forms may be any text.
        let emoji = reactions::emoji(&emoji).unwrap_or(emoji);
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let message = access.live_message(&mut unit.conn, seq).await?;
                let user = call.speaker.user;
                if !has_reacted(&message, &emoji, user) {
                    return Ok(Reply::Message(Box::new(message)));
                }
                let number = unit.next_number(conversation).await?;
                store::reactions::remove(&mut unit.conn, message.id, &emoji, user).await?;
                store::mentions::unreact(&mut unit.conn, message.id, user, &emoji).await?;
                store::messages::touch(&mut unit.conn, conversation, seq, number).await?;
                let message = changed(unit, conversation, seq).await?;
                let fact = Fact::ReactionRemoved { message: message.clone(), user, emoji };
                unit.record(conversation, number, user, fact);
                Ok(Reply::Message(Box::new(message)))
            })
        })
        .await
    }
}

/// The one form of an emoji. One of the server's own is `:name:`, and stays what it is.
fn checked(emoji: &str, most: i64) -> Result<String> {
    if chat::emoji::named(emoji).is_some() {
        return Ok(emoji.to_owned());
    }
    text::check_optional("emoji", emoji, most)?;
    let form = reactions::emoji(emoji)
        .ok_or_else(|| Error::invalid("emoji", "emoji must be one emoji and nothing else, such as \u{1f44d}, or the name of one of this server's as :name:."))?;
    text::check_optional("emoji", &form, most)?;
    Ok(form)
}

fn has_reacted(message: &Message, emoji: &str, user: UserId) -> bool {
    message.reactions.iter().any(|r| r.emoji == emoji && r.users.contains(&user))
}

fn check_room_for(message: &Message, emoji: &str, user: UserId, limits: &Limits) -> Result<()> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let own = count(message.reactions.iter().filter(|r| r.users.contains(&user)).count());
    if own >= limits.reactions_per_user {
        let most = limits.reactions_per_user;
        return Err(Error::limit_reached(format!("You may put at most {most} different emoji on a message.")));
    }
    let new = message.reactions.iter().all(|r| r.emoji != emoji);
    if new && count(message.reactions.len()) >= limits.reactions_per_message {
        let most = limits.reactions_per_message;
        return Err(Error::limit_reached(format!("A message may have at most {most} different emoji.")));
    }
    Ok(())
}
