//! Batches questions that pile up, as the writer does with writes: a question that comes while one batch is under way
//! is in the next. Five thousand people reconnecting at once cost a few dozen statements.

use std::{collections::HashMap, future::Future, hash::Hash};

use chat::{Error, Result};
use tokio::sync::{mpsc, oneshot};

/// The most questions that may wait.
const QUEUE: usize = 16_384;

/// Answers many questions of one kind at once.
pub(crate) trait Answers<K, V>: Send + 'static {
    /// The most questions in one batch. Where an answer takes long, few: all of them wait for the last.
    const MOST: usize = 512;

    /// The answers, in the order of the questions.
    fn answer(&mut self, keys: Vec<K>) -> impl Future<Output = Vec<V>> + Send;
}

/// The answer to each question out of what was found for all of them; the error of all of them to each.
pub(crate) fn each<K: Eq + Hash, V: Clone>(keys: &[K], found: store::Result<HashMap<K, V>>) -> Vec<Result<Option<V>>> {
    match found {
        Ok(found) => keys.iter().map(|key| Ok(found.get(key).cloned())).collect(),
        Err(error) => {
            let error = Error::from(error);
            keys.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

/// The handle for asking.
pub(crate) struct Batcher<K, V> {
    questions: mpsc::Sender<(K, oneshot::Sender<V>)>,
}

impl<K: Send + 'static, V: Send + 'static> Batcher<K, V> {
    pub(crate) fn start<A: Answers<K, V>>(mut answers: A) -> Self {
        let (questions, mut queue) = mpsc::channel::<(K, oneshot::Sender<V>)>(QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(A::MOST);
            while queue.recv_many(&mut batch, A::MOST).await > 0 {
                let (keys, askers): (Vec<K>, Vec<_>) = batch.drain(..).unzip();
                for (value, asker) in answers.answer(keys).await.into_iter().zip(askers) {
                    // An asker that has gone meanwhile needs no answer.
                    let _gone = asker.send(value);
                }
            }
        });
        Self { questions }
    }

    /// Asks, and waits for the answer; `None` if the batcher has ended or gave too few answers.
    pub(crate) async fn ask(&self, key: K) -> Option<V> {
        let (asker, answer) = oneshot::channel();
        self.questions.send((key, asker)).await.ok()?;
        answer.await.ok()
    }
}
