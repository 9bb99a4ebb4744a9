//! Names that a login seals into its AuthID.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::seal::{AuthIdName, Terms};

/// Names that are carried through a login.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct LoginNames {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

impl LoginNames {
    /// Takes the name of the person, and that of the AuthID.
    pub fn new(user: Option<&AuthIdName>, label: Option<&AuthIdName>) -> Self {
        let text = |name: &AuthIdName| name.as_str().to_owned();
        Self {
            user: user.map(text),
            label: label.map(text),
        }
    }

    /// True if there are none.
    pub(super) fn are_none(&self) -> bool {
        self.user.is_none() && self.label.is_none()
    }

    /// Adds the names to the terms of a new AuthID.
    pub(super) fn add_to(&self, terms: Option<Arc<Terms>>) -> Option<Arc<Terms>> {
        if self.are_none() {
            return terms;
        }
        // They were names when they were sealed.
        let name = |text: &Option<String>| AuthIdName::new(text.as_deref()?).ok();
        Some(Arc::new(Terms {
            user: name(&self.user),
            label: name(&self.label),
            ..terms.as_deref().cloned().unwrap_or_default()
        }))
    }
}
