//! A list that comes in pages.

use agent_core::a2a::{ListTasksRequest, ListTasksResponse};

use super::remote::RemoteAgent;
use super::{CallError, limits};

/// The pages of a list of tasks, fetched one by one as they are asked for.
///
/// Tasks that change meanwhile may be on two pages or on none; each page is true when it is given.
#[derive(Debug)]
pub struct TaskPages {
    remote: RemoteAgent,
    request: ListTasksRequest,
    pages: u32,
    over: bool,
}

impl TaskPages {
    pub(super) const fn new(remote: RemoteAgent, request: ListTasksRequest) -> Self {
        Self {
            remote,
            request,
            pages: 0,
            over: false,
        }
    }

    /// The next page, or `None` after the last. After an error the same page can be asked for
    /// again.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Endless`] past [`limits::PAGES_MAX`],
    /// [`CallError::Malformed`] when a page names itself as the next.
    pub async fn next(&mut self) -> Result<Option<ListTasksResponse>, CallError> {
        if self.over {
            return Ok(None);
        }
        if self.pages >= limits::PAGES_MAX {
            return Err(CallError::Endless);
        }
        let page = self.remote.list_tasks(self.request.clone()).await?;
        self.pages = self.pages.saturating_add(1);
        let next = &page.next_page_token;
        self.over = next.is_empty();
        if !self.over && *next == self.request.page_token {
            self.over = true;
            return Err(CallError::malformed("a page that names itself as the next"));
        }
        self.request.page_token.clone_from(next);
        Ok(Some(page))
    }
}
