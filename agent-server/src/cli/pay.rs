use super::approve::AtTerminal;
use super::buyer::BuyerOptions;
use super::{Failure, show};
use agent_client::buyer::Buyer;
use agent_client::pay::{HttpPayment, PaidResponse, PayError, PayingClient};
use agent_core::money::Money;
use agent_core::untrusted::printable_lines;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The page.
    url: String,
    /// Pay at most this, such as "0.01 USDC"; the budget's bounds hold beside it.
    #[arg(long, value_name = "AMOUNT")]
    max: Option<String>,
    /// The method; POST with `--data`, else GET.
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,
    /// The body of the request.
    #[arg(long)]
    data: Option<String>,
    /// A header of the request, `name: value`.
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Ask the seller for what is left of our batch-settlement channels with it, and buy nothing.
    #[arg(long)]
    refund: bool,
    /// Print one JSON object with the answer and what was paid.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let buyer = arguments.buyer.open().await?;
    if let Some(terminal) = AtTerminal::if_there(buyer.assets().clone()) {
        buyer.wallet().set_approver(Arc::new(terminal));
    }
    let done = Box::pin(pay(&arguments, &buyer)).await;
    buyer.close().await;
    done
}

async fn pay(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let client = client(arguments, buyer)?;
    let usual = match arguments.data {
        Some(_) => Method::POST,
        None => Method::GET,
    };
    let method = arguments.method.clone().unwrap_or(usual);
    if arguments.refund {
        let refunded = client.refund(method, &arguments.url).await;
        for refund in refunded.map_err(Failure::work)? {
            println!("refunded   channel {}", refund.channel_id);
        }
        return Ok(());
    }
    let headers = headers(&arguments.headers)?;
    let body = arguments.data.clone().unwrap_or_default();
    let answered = client.request(method, &arguments.url, headers, body.into());
    let answer = match Box::pin(answered).await {
        Err(PayError::Receipt { error, response }) => {
            eprintln!("the receipt is not accepted: {error}");
            *response
        }
        answer => answer.map_err(Failure::work)?,
    };
    if let Some(paid) = &answer.payment {
        eprintln!("{}", bill(buyer, paid));
    }
    tell(arguments, &answer);
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(Failure::work(format!(
            "the answer has status {}",
            answer.status
        ))),
    }
}

fn client(arguments: &Arguments, buyer: &Buyer) -> Result<PayingClient, Failure> {
    let client = buyer.http();
    let Some(max) = &arguments.max else {
        return Ok(client);
    };
    let money: Money = max.parse().map_err(Failure::usage)?;
    let (asset, amount) = buyer.assets().resolve(&money).map_err(Failure::usage)?;
    if asset.id() != buyer.wallet().policy().asset {
        return Err(Failure::usage("the budget is in another asset"));
    }
    Ok(client.at_most(amount))
}

fn headers(lines: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let parts = line.split_once(':');
        let (name, value) = parts.ok_or_else(|| Failure::usage("a header is `name: value`"))?;
        let name: HeaderName = name.trim().parse().map_err(Failure::usage)?;
        let value: HeaderValue = value.trim().parse().map_err(Failure::usage)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn tell(arguments: &Arguments, answer: &PaidResponse) {
    let text = String::from_utf8_lossy(&answer.bytes);
    if !arguments.json {
        println!("{}", printable_lines(&text));
        return;
    }
    let paid = answer.payment.as_ref().map(|paid| {
        json!({
            "payment_id": paid.id.as_str(),
            "scheme": paid.scheme.name(),
            "pay_to": paid.pay_to.to_string(),
            "max_base_units": paid.max,
            "charged_base_units": paid.charged,
            "transaction": paid.transaction,
        })
    });
    show::document(&json!({
        "status": answer.status.as_u16(),
        "body": text,
        "requests": answer.requests,
        "payment": paid,
    }));
}

/// Asset, amount, chain and recipient in one line.
fn bill(buyer: &Buyer, paid: &HttpPayment) -> String {
    let (what, units) = match paid.charged {
        Some(charged) => ("paid", charged),
        None => ("no receipt; counted as paid:", paid.max),
    };
    let amount = show::amount(buyer.assets(), paid.asset, units);
    let (network, scheme) = (paid.asset.network, paid.scheme);
    format!(
        "{what} {amount} on {network} to {} by {scheme}",
        paid.pay_to
    )
}
