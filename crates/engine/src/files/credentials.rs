//! Credentials that open files and nothing else: a cookie for a browser's page, and an address for one file.

use std::sync::Arc;

use chat::{
    Error, FileId, Reply, Result,
    accounts::Speaker,
    files::{FileLink, LINK_SECONDS},
};

use crate::{Call, Engine, sessions};

impl Engine {
    /// Verifies a cookie of [`Engine::files_cookie`].
    ///
    /// # Errors
    /// `unauthenticated`, or the store's.
    pub async fn authenticate_files_cookie(&self, cookie: &str) -> Result<Arc<crate::Arrival>> {
        let claim = self.inner.settings.keys.verify_files_cookie(cookie, self.now())?;
        sessions::authenticate(&self.inner, claim).await
    }

    /// Verifies the token of a link to this file.
    ///
    /// # Errors
    /// `unauthenticated`, or the store's.
    pub async fn authenticate_file_link(&self, token: &str, file: FileId) -> Result<Arc<crate::Arrival>> {
        let claim = self.inner.settings.keys.verify_file_link(token, file, self.now())?;
        sessions::authenticate(&self.inner, claim).await
    }

    /// A value that a browser may keep in a cookie, to show files by their addresses. It opens files and nothing else,
    /// and is valid as long as the session, which the store checks.
    ///
    /// # Errors
    /// `forbidden` without a session: a host application's token is not outlived.
    pub fn files_cookie(&self, speaker: &Speaker) -> Result<String> {
        let settings = &self.inner.settings;
        let session = speaker.session.ok_or_else(|| {
            Error::forbidden("A cookie for files is given to sessions of this server only; read files with the token.")
        })?;
        settings.keys.sign_files_cookie(speaker, session, self.now(), settings.session_seconds)
    }
}

impl Call {
    /// An address that opens a file for the speaker's session.
    pub(crate) async fn file_link(&self, id: FileId) -> Result<Reply> {
        self.readable_file(&mut *self.db.read().await?, id).await?;
        let session = self.speaker.session.ok_or_else(|| {
            Error::forbidden("Links to files are given to sessions of this server only; read files with the token.")
        })?;
        let now = (self.clock)();
        let token = self.settings.keys.sign_file_link(&self.speaker, session, id, now)?;
        Ok(Reply::FileLink(Box::new(FileLink { file: id, token, expires_at: now.plus(LINK_SECONDS * 1_000) })))
    }
}
