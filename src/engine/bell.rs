//! Tells whoever waits that there is something to do. A ring while nobody waits is heard by the next one who does.

use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Bell(watch::Sender<()>);

/// One who may wait. Its first wait is for the first ring after it came.
#[derive(Debug)]
pub(super) struct Listener(watch::Receiver<()>);

impl Bell {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub(super) fn ring(&self) {
        self.0.send_replace(());
    }

    pub(super) fn listener(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Listener {
    /// Until the bell rings or has rung since the last wait.
    pub(super) async fn heard(&mut self) {
        if self.0.changed().await.is_err() {
            // The bell is gone with the engine: nothing will ever ring again.
            std::future::pending::<()>().await;
        }
    }
}
