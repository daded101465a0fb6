//! The written form between nodes of the preview of a message's link.

use std::borrow::Cow;

use chat::previews::Preview;
use serde::{Deserialize, Serialize};

use super::files::{FileForm, file, file_form};

#[derive(Serialize, Deserialize)]
pub(super) struct PreviewForm<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    site: Option<Cow<'a, str>>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    about: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    image: Option<FileForm<'a>>,
}

pub(super) fn preview_form(preview: &Preview) -> PreviewForm<'_> {
    PreviewForm {
        url: (&preview.url).into(),
        site: preview.site.as_ref().map(Into::into),
        title: (&preview.title).into(),
        about: preview.description.as_ref().map(Into::into),
        image: preview.image.as_ref().map(file_form),
    }
}

pub(super) fn preview(form: PreviewForm<'_>) -> Option<Preview> {
    let image = match form.image {
        Some(form) => Some(file(form)?),
        None => None,
    };
    Some(Preview {
        url: form.url.into_owned(),
        site: form.site.map(Cow::into_owned),
        title: form.title.into_owned(),
        description: form.about.map(Cow::into_owned),
        image,
    })
}
