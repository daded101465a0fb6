//! Previews of links: which page is to be looked at, what becomes of what it says, and taking a preview off.
//!
//! A message with a link leaves a job in the transaction that stores it (`store::appends`), and so does an edit that
//! brings another link. Whoever looks at the page is in `workers`; here is what decides, and what is kept.

use chat::{
    ConversationId, Error, ErrorCode, Fact, Number, Reply, Result, UserId,
    accounts::Speaker,
    files::{File, NewFile},
    messages::Message,
    mutants::{self, Mutant},
    policies::Ability,
    previews::{DESCRIPTION_LENGTH, Preview, SITE_LENGTH, TITLE_LENGTH, cleaned, first_link},
};
use store::{
    Unit,
    jobs::{self, Job, Kind},
    previews,
};

use crate::{Call, Engine, Inner, messages::changed};

/// How often the picture of a page is tried to be kept while files cannot be written: for about half a minute.
const PICTURE_TRIES: i64 = 6;

/// A page that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPage {
    /// The conversation of the message.
    conversation: ConversationId,
    /// The link, as the text has it.
    pub url: String,
    /// Who gave it.
    pub author: UserId,
}

/// The data of a page for a preview, as the page gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPage {
    /// The site's name.
    pub site: String,
    /// Its title; without one there is no preview.
    pub title: String,
    /// Its description.
    pub description: String,
    /// The bytes of its picture.
    pub image: Option<FoundPicture>,
}

/// A page's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPicture {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Whether a text has a link that is previewed where the conversation wants it.
pub(crate) fn has_link(inner: &Inner, text: &str) -> bool {
    inner.settings.previews && first_link(text).is_some()
}

impl Call {
    /// Takes the preview off a message: its author may, and whoever may delete it.
    pub(crate) async fn remove_preview(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let message = access.live_message(&mut unit.conn, seq).await?;
                if message.author != call.speaker.user {
                    access.may(Ability::DeleteOthers)?;
                }
                // One that is still being made is not wanted either.
                if !mutants::is(Mutant::PreviewsComeBack) {
                    jobs::remove(&mut unit.conn, Kind::Preview, message.id.0).await?;
                }
                if message.preview.is_none() {
                    return Ok(Reply::Message(Box::new(message)));
                }
                let number = unit.next_number(conversation).await?;
                let now = unit.now;
                previews::remove(&mut unit.conn, &message, now).await?;
                store::messages::touch(&mut unit.conn, conversation, seq, number).await?;
                let message = changed(unit, conversation, seq).await?;
                unit.record(conversation, number, call.speaker.user, Fact::MessagePreviewed(message.clone()));
                Ok(Reply::Message(Box::new(message)))
            })
        })
        .await
    }

    /// Whether this server makes previews at all, for who wants them in a conversation.
    pub(crate) fn require_previews(&self, wanted: Option<bool>) -> Result<()> {
        if wanted == Some(true) && !self.settings.previews {
            return Err(Error::invalid("previews", "This server makes no previews of links."));
        }
        Ok(())
    }

    /// Changes the preview of a message's link after an edit: of another link than before it is another one, which is
    /// made if the conversation wants it.
    pub(crate) async fn preview_after_edit(
        &self,
        unit: &mut Unit,
        message: &Message,
        text: &str,
        is_wanted: bool,
    ) -> Result<()> {
        let link = first_link(text);
        if link == first_link(message.text.as_deref().unwrap_or_default()) {
            return Ok(());
        }
        let now = unit.now;
        previews::remove(&mut unit.conn, message, now).await?;
        if link.is_some() && is_wanted && self.settings.previews {
            let due_at = crate::jobs::now(unit).await?;
            jobs::add(&mut unit.conn, Kind::Preview, message.id.0, due_at).await?;
        } else {
            jobs::remove(&mut unit.conn, Kind::Preview, message.id.0).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// The page that a claimed job is about; none if it is not wanted any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn wanted_page(&self, job: &Job) -> Result<Option<WantedPage>> {
        let mut conn = self.inner.db.read().await?;
        let message = store::messages::by_id(&mut conn, chat::MessageId(job.subject)).await?;
        let Some(message) = message.filter(|message| wants(&self.inner, message)) else { return Ok(None) };
        let conversation = store::conversations::by_id(&mut conn, message.conversation).await?;
        let is_wanted = conversation.is_some_and(|conversation| conversation.previews);
        let url = first_link(message.text.as_deref().unwrap_or_default()).filter(|_| is_wanted);
        Ok(url.map(|url| WantedPage { conversation: message.conversation, url, author: message.author }))
    }

    /// Ends a job for which there is nothing to keep.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_no_preview(&self, job: Job) -> Result<()> {
        let work = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                jobs::finish(&mut unit.conn, &job).await?;
                Ok(())
            })
        });
        work.await
    }

    /// Keeps what a page says as the preview of its message, together with the job's end. Whether it was still wanted.
    ///
    /// # Errors
    /// The store's; the job must be tried again.
    pub async fn keep_preview(&self, job: Job, wanted: WantedPage, page: FoundPage) -> Result<bool> {
        let Some(title) = cleaned(&page.title, TITLE_LENGTH) else {
            return self.keep_no_preview(job).await.map(|()| false);
        };
        let image = match page.image {
            Some(picture) => self.keep_picture(&job, wanted.author, picture).await?,
            None => None,
        };
        let preview = Preview {
            url: wanted.url,
            site: cleaned(&page.site, SITE_LENGTH),
            title,
            description: cleaned(&page.description, DESCRIPTION_LENGTH),
            image,
        };
        let (inner, conversation) = (self.inner.clone(), wanted.conversation);
        let scopes = [conversation.into()];
        let work = self.inner.writer.change(&scopes, None, move |unit| {
            Box::pin(async move {
                if !jobs::finish(&mut unit.conn, &job).await? {
                    return Ok(false);
                }
                let message = store::messages::by_id(&mut unit.conn, chat::MessageId(job.subject)).await?;
                let Some(message) = message.filter(|message| wants(&inner, message)) else { return Ok(false) };
                // It may have been edited meanwhile.
                if first_link(message.text.as_deref().unwrap_or_default()).as_ref() != Some(&preview.url) {
                    return Ok(false);
                }
                let number = unit.next_number(conversation).await?;
                previews::put(&mut unit.conn, &message, &preview).await?;
                store::messages::touch(&mut unit.conn, conversation, message.seq, number).await?;
                let message = changed(unit, conversation, message.seq).await?;
                unit.record(conversation, number, message.author, Fact::MessagePreviewed(message));
                Ok(true)
            })
        });
        work.await
    }

    /// Makes a picture a file of the message's author, by all that holds for what they upload themselves. Without room
    /// for it, or if it is no picture, the preview has none.
    ///
    /// # Errors
    /// While files cannot be kept, why not: the job is tried again, because a preview is made once and what it lacks then
    /// is never added. After [`PICTURE_TRIES`] the preview comes without its picture.
    async fn keep_picture(&self, job: &Job, author: UserId, picture: FoundPicture) -> Result<Option<File>> {
        match self.upload_picture(author, picture).await {
            Ok(file) => Ok(Some(file)),
            // Of a commit in doubt nobody knows: if it was made, that file waits in vain, and is removed after a day.
            Err(error)
                if matches!(error.code, ErrorCode::Unavailable | ErrorCode::OutcomeUnknown)
                    && job.tries < PICTURE_TRIES =>
            {
                Err(error)
            }
            Err(error) => {
                tracing::debug!(%error, "a preview has no picture");
                Ok(None)
            }
        }
    }

    async fn upload_picture(&self, author: UserId, FoundPicture { name, bytes }: FoundPicture) -> Result<File> {
        let account = store::accounts::by_id(&mut *self.inner.db.read().await?, author).await?;
        let account = account.ok_or_else(|| Error::not_found("user"))?;
        let speaker = Speaker {
            user: account.id,
            shown_name: account.shown_name(),
            username: account.username,
            role: account.role,
            session: None,
        };
        let size = u64::try_from(bytes.len()).ok();
        let mut upload = self.upload(&speaker, NewFile { name, size }).await?;
        upload.write(&bytes).await?;
        upload.finish().await
    }
}

/// Whether a message may still get a preview.
fn wants(inner: &Inner, message: &Message) -> bool {
    inner.settings.previews && message.deleted_at.is_none() && message.preview.is_none()
}
