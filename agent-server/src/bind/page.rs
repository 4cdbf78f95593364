//! A page for people who open what is for sale in a browser: what it is, what it costs, how to pay.
//!
//! Plain HTML without scripts. Everything in it is escaped, and its policy lets nothing run or load.

use agent_core::json::Json;
use agent_core::untrusted::printable_lines;
use agent_core::x402::PaymentTerms;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::sync::LazyLock;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;\
    padding:0 1rem}code,pre{font-family:ui-monospace,monospace;overflow-wrap:anywhere;\
    white-space:pre-wrap}.price{font-size:1.5rem}dt{font-weight:600}";

/// Nothing runs, nothing loads, nobody frames it; only our style, by its digest.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let digest = STANDARD.encode(digest);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
});

/// What a page says. None of it is trusted.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) about: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    /// For people, such as `0.001 USDC`; none when it is free.
    pub(crate) price: Option<&'a str>,
    pub(crate) terms: Option<&'a PaymentTerms>,
    /// JSON Schema of what is sent.
    pub(crate) schema: Option<&'a Json>,
}

/// Whether whoever asks is a browser that shows a page. Programs say `*/*`.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut words = range.split(';').map(str::trim);
        let is_html = words
            .next()
            .is_some_and(|range| range.eq_ignore_ascii_case("text/html"));
        is_html && !words.any(|word| matches!(word, "q=0" | "q=0.0"))
    })
}

/// The page with its headers; status 200.
pub(crate) fn response(page: &Page<'_>) -> Response {
    let mut response = page.html().into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    let policy = POLICY.clone();
    let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "Accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Page<'_> {
    fn html(&self) -> String {
        let title = escape(self.title);
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1>"
        );
        if let Some(about) = self.about {
            push(&mut html, format_args!("<p>{}</p>", escape(about)));
        }
        let price = escape(self.price.unwrap_or("free"));
        push(&mut html, format_args!("<p class=\"price\">{price}</p>"));
        let (method, url) = (escape(self.method), escape(self.url));
        if let (Some(_), Some(terms)) = (self.price, self.terms) {
            let (network, payee) = (terms.asset.network.to_string(), terms.pay_to.to_string());
            push(
                &mut html,
                format_args!(
                    "<h2>How to pay</h2><p>Programs pay for this on their own: send the request \
                     with a client of <a rel=\"noreferrer\" href=\"https://www.x402.org/\">x402</a>. \
                     It reads the price from the answer to a request without a payment, and sends \
                     the request again with one. Nothing is charged for work that fails.</p>\
                     <dl><dt>Request</dt><dd><code>{method} {url}</code></dd>\
                     <dt>Network</dt><dd><code>{}</code></dd>\
                     <dt>Paid to</dt><dd><code>{}</code></dd></dl>",
                    escape(&network),
                    escape(&payee)
                ),
            );
        } else {
            push(
                &mut html,
                format_args!("<h2>How to ask</h2><p><code>{method} {url}</code></p>"),
            );
        }
        if let Some(schema) = self.schema {
            let text = schema.parse::<serde_json::Value>();
            let text = text.and_then(|schema| serde_json::to_string_pretty(&schema));
            let text = escape(&text.unwrap_or_default());
            push(
                &mut html,
                format_args!("<h2>What to send</h2><pre>{text}</pre>"),
            );
        }
        html.push_str("</body></html>");
        html
    }
}

fn push(html: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = html.write_fmt(piece);
}

/// Text that is text wherever in a page it stands, and reads in the order in which it was written.
fn escape(text: &str) -> String {
    let text = printable_lines(text);
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_is_markup() {
        let hostile = "</title><script>alert(1)</script>\"'&\u{202e}\u{0}";
        let page = Page {
            title: hostile,
            about: Some(hostile),
            method: "GET",
            url: hostile,
            price: Some(hostile),
            terms: None,
            schema: Some(&Json::from_value(&hostile).unwrap()),
        };
        let html = page.html();
        assert!(
            !html.contains("<script") && !html.contains("\u{202e}"),
            "{html}"
        );
        assert_eq!(html.matches("</title>").count(), 1, "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 6, "{html}");
        let policy = POLICY.clone().unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    }

    #[test]
    fn a_page_is_for_those_who_ask_for_one() {
        let wanted = |accept: &'static str| {
            is_wanted(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        assert!(wanted("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(wanted("application/json, Text/HTML;q=0.1"));
        assert!(!wanted("*/*") && !wanted("application/json") && !wanted("text/html;q=0"));
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
