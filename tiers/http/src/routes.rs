//! What can be asked for where: one table, which the document of the API is made from.

use faramesh_wire::Method;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// A request like one over the socket, as the body.
    Asks(Method),
    /// How a deferred call stands.
    Approval,
    /// Whether the process lives.
    Health,
    /// Whether it decides.
    Ready,
    /// Counts, for Prometheus.
    Metrics,
    /// The document of the API.
    Document,
}

/// Paths, their methods, and what they do in a few words.
pub(crate) const ROUTES: &[(&str, &str, Route, &str)] = &[
    ("POST", "/v1/evaluate", Route::Asks(Method::Govern), "decides a call"),
    ("POST", "/v1/outcome", Route::Asks(Method::Outcome), "reports how a permitted call went"),
    ("GET", "/v1/approvals/{id}", Route::Approval, "how a deferred call stands; waits for the answer"),
    ("POST", "/v1/complete", Route::Asks(Method::Complete), "asks whether a task is complete"),
    ("POST", "/v1/spawn", Route::Asks(Method::Spawn), "asks to start an agent"),
    ("POST", "/v1/delegate", Route::Asks(Method::Delegate), "asks to hand authority on"),
    ("POST", "/v1/revoke", Route::Asks(Method::Revoke), "takes back what was handed on"),
    ("POST", "/v1/session/purpose", Route::Asks(Method::Purpose), "says what a session is for"),
    ("POST", "/v1/session/phase", Route::Asks(Method::Phase), "enters a stage of the work"),
    ("GET", "/healthz", Route::Health, "whether the daemon lives"),
    ("GET", "/readyz", Route::Ready, "whether the daemon decides and records"),
    ("GET", "/metrics", Route::Metrics, "counts for Prometheus"),
    ("GET", "/openapi.json", Route::Document, "this document"),
];

/// What a request of a method and a path meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'p> {
    /// A route, and the id in the path.
    Route(Route, &'p str),
    /// The path exists, with another method.
    OtherMethod(&'static str),
    /// There is no such path.
    Nothing,
}

pub(crate) fn find<'p>(method: &str, path: &'p str) -> Found<'p> {
    let mut found = Found::Nothing;
    for (expected, pattern, route, _) in ROUTES {
        let id = match pattern.strip_suffix("{id}") {
            Some(prefix) => path.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains('/')),
            None => (path == *pattern).then_some(""),
        };
        let Some(id) = id else { continue };
        if method == *expected {
            return Found::Route(*route, id);
        }
        found = Found::OtherMethod(expected);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_whole() {
        for (method, path, expected) in [
            ("POST", "/v1/evaluate", Found::Route(Route::Asks(Method::Govern), "")),
            ("GET", "/v1/evaluate", Found::OtherMethod("POST")),
            ("POST", "/v1/evaluate/", Found::Nothing),
            ("GET", "/v1/approvals/apr-1", Found::Route(Route::Approval, "apr-1")),
            ("GET", "/v1/approvals/", Found::Nothing),
            ("GET", "/v1/approvals/a/b", Found::Nothing),
            ("GET", "/", Found::Nothing),
        ] {
            assert_eq!(find(method, path), expected, "{method} {path}");
        }
    }
}
