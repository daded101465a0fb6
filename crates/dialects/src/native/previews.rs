//! Previews of links, as they are shown.

use chat::previews;
use serde::Serialize;
use utoipa::ToSchema;

use super::files::File;

/// The page behind a message's link, as it describes itself. A preview never changes, and tells nothing of those who
/// wrote or read the message.
#[derive(Serialize, ToSchema)]
pub struct Preview<'a> {
    /// The link, as the text has it.
    url: &'a str,
    /// The site's name, on one line.
    site: Option<&'a str>,
    /// The page's title, on one line.
    title: &'a str,
    /// The description of the page, on one line.
    description: Option<&'a str>,
    /// Its picture, which this server keeps: it is read as the files of the message are.
    image: Option<File<'a>>,
}

impl<'a> From<&'a previews::Preview> for Preview<'a> {
    fn from(preview: &'a previews::Preview) -> Self {
        Self {
            url: &preview.url,
            site: preview.site.as_deref(),
            title: &preview.title,
            description: preview.description.as_deref(),
            image: preview.image.as_ref().map(File::from),
        }
    }
}
