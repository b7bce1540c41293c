//! Waiting for what becomes of an object.

use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::task::AbortHandle;

use super::eventually::{PAUSE, give_up};
use super::objects::{Objects, value, words};
use super::runtime::begin;

/// What the API server tells of an object: the object, or that there is none, or why it cannot be told.
type Told = Result<Option<Value>, String>;

impl Objects {
    /// Waits until something is true of an object, and returns it.
    ///
    /// # Panics
    /// When the time is over: with what was waited for, what was seen last, and the ends of the logs.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, what: &str, time: Duration, is_so: impl Fn(&Value) -> bool) -> Value {
        let found = self.until_told(name, what, time, |object| object.is_some_and(&is_so));
        found.unwrap_or(Value::Null)
    }

    /// Waits until there is no object of this name.
    ///
    /// # Panics
    /// As [`Objects::until`].
    #[track_caller]
    pub(crate) fn until_gone(&self, name: &str, time: Duration) {
        self.until_told(name, &format!("{name} is gone"), time, |object| object.is_none());
    }

    /// Follows an object from how it is now on. The first answer is asked for after the call began, so that nothing older
    /// than what the caller has written is seen; later ones come as they happen.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
    fn until_told(
        &self,
        name: &str,
        what: &str,
        time: Duration,
        is_so: impl Fn(Option<&Value>) -> bool,
    ) -> Option<Value> {
        let tale = Tale::of(&self.api, name);
        let end = Instant::now() + time;
        let mut last = "nothing was told of it".to_owned();
        while let Ok(told) = tale.told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            match told {
                Ok(object) if is_so(object.as_ref()) => return object,
                Ok(object) => last = object.as_ref().map_or_else(|| "there is none".to_owned(), sketch),
                Err(why) => last = why,
            }
        }
        give_up(what, time, &last)
    }
}

/// As much of an object as explains why it is not what was waited for.
fn sketch(object: &Value) -> String {
    let generation = &object["metadata"]["generation"];
    let part = if object["status"].is_null() {
        object
    } else {
        &object["status"]
    };
    format!("generation {generation} {part:#}")
}

/// What is told of one object, in its order; the telling ends when this is dropped.
struct Tale {
    told: Receiver<Told>,
    telling: AbortHandle,
}

impl Tale {
    fn of(api: &Api<DynamicObject>, name: &str) -> Self {
        let (tell, told) = channel();
        let telling = begin(retell(api.clone(), name.to_owned(), tell));
        Self { told, telling }
    }
}

impl Drop for Tale {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

/// Tells of an object for ever: a watch that ends is begun again with a fresh look.
async fn retell(api: Api<DynamicObject>, name: String, tell: Sender<Told>) {
    loop {
        if let Err(error) = look_and_watch(&api, &name, &tell).await {
            let _ = tell.send(Err(words(&error)));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tells of an object as it is and then of each change, until the watch ends.
async fn look_and_watch(api: &Api<DynamicObject>, name: &str, tell: &Sender<Told>) -> kube::Result<()> {
    let field = format!("metadata.name={name}");
    let list = api.list(&ListParams::default().fields(&field)).await?;
    let _ = tell.send(Ok(list.items.first().map(value)));
    let version = list.metadata.resource_version.unwrap_or_default();
    let mut changes = pin!(api.watch(&WatchParams::default().fields(&field), &version).await?);
    while let Some(change) = changes.try_next().await? {
        let _ = match change {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => tell.send(Ok(Some(value(&object)))),
            WatchEvent::Deleted(_) => tell.send(Ok(None)),
            WatchEvent::Bookmark(_) => Ok(()),
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        };
    }
    Ok(())
}
