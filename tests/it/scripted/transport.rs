//! How calls get to the scripted ERP.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::server::{Answer, Request, Server, Trouble};

#[async_trait]
pub trait Transport: Debug + Send + Sync {
    async fn call(&self, request: Request) -> Result<Answer, Trouble>;

    /// Where it leads.
    fn place(&self) -> String;
}

/// Within this process.
#[derive(Debug)]
pub struct InProcess(pub Arc<Server>);

#[async_trait]
impl Transport for InProcess {
    async fn call(&self, request: Request) -> Result<Answer, Trouble> {
        // Others have their turn before the call arrives and before its answer does.
        tokio::task::yield_now().await;
        let answer = self.0.call(request);
        tokio::task::yield_now().await;
        answer
    }

    fn place(&self) -> String {
        "here".to_owned()
    }
}
