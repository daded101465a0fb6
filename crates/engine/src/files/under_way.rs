//! How many uploads of each person are under way on this node.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chat::{Error, ErrorCode, Result, UserId};

/// How soon an upload that was one too many may be tried again, in milliseconds.
const SOON: i64 = 1_000;

/// The uploads that are under way.
#[derive(Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashMap<UserId, i64>>>);

/// A place among somebody's uploads; given back when it is dropped.
pub(crate) struct Place {
    all: Arc<Mutex<HashMap<UserId, i64>>>,
    user: UserId,
}

impl UnderWay {
    /// A place for one more upload.
    ///
    /// # Errors
    /// `rate_limited` if somebody has as many as they may have at once.
    pub(crate) fn enter(&self, user: UserId, most: i64) -> Result<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(user).or_insert(0);
        if *count >= most {
            let detail = format!("At most {most} of your uploads may be under way at once.");
            return Err(Error { retry_after_ms: Some(SOON), ..Error::new(ErrorCode::RateLimited, detail) });
        }
        *count += 1;
        Ok(Place { all: self.0.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.user) {
            *count -= 1;
            if *count <= 0 {
                all.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_is_free_for_the_next_upload() {
        let under_way = UnderWay::default();
        let (first, _second) = (under_way.enter(UserId(1), 2).unwrap(), under_way.enter(UserId(1), 2).unwrap());
        let refused = under_way.enter(UserId(1), 2).map(|_| ()).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::RateLimited, Some(SOON)));
        assert!(under_way.enter(UserId(2), 2).is_ok(), "others have places of their own");
        drop(first);
        assert!(under_way.enter(UserId(1), 2).is_ok());
    }
}
