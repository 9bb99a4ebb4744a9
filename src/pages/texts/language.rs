//! The languages of the pages.

use super::{Markup, PageTexts, de::DE, en::EN};

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, the language of everything that is not translated.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them, in the order of their links.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the language of a tag such as `de` or `de-AT` (RFC 5646), by its first part.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_meant = |language: &Self| primary.eq_ignore_ascii_case(language.tag());
        Self::ALL.into_iter().find(is_meant)
    }

    /// Returns the tag, as `lang` in HTML has it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Returns the name of the language in that language.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// Returns the texts.
    pub fn texts(self) -> &'static PageTexts {
        match self {
            Self::English => &EN,
            Self::German => &DE,
        }
    }

    /// Marks English text that is not translated, such as a message of a provider.
    pub fn english(self, text: &str) -> Markup {
        self.mark_english(Markup::escaped(text))
    }

    /// Marks the same where it is markup already.
    pub(in crate::pages) fn mark_english(self, text: Markup) -> Markup {
        match self {
            Self::English => text,
            _ => Markup::made(format!(r#"<span lang="en">{text}</span>"#)),
        }
    }

    /// Marks a date such as `2026-11-24` up, in the usual form of the language.
    pub fn date(self, date: &str) -> Markup {
        let texts = self.texts();
        let mut parts = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
        let parts = (parts.next(), parts.next(), parts.next());
        let (Some(Some(year)), Some(Some(month)), Some(Some(day))) = parts else {
            return Markup::escaped(date);
        };
        let shown = texts.date(&day, &texts.month(&month), &year);
        Markup::made(format!(r#"<time datetime="{date}">{shown}</time>"#))
    }
}
