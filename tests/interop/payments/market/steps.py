"""What a buyer and a seller do with each other, step by step, and how the chain shows that it was right.

A step knows nothing of programs: it calls a buyer, commands a seller and looks at the chain. Each is run on what the
steps before it left, so a pair's steps end at the first that fails.
"""

import json

from .node import BATCH_SETTLEMENT, BUYER, PURSE, SELLER

# What one call may cost, in base units: $0.001; and what the half-priced one does cost.
PRICE = 1000
PART = 400


class Deal:
    """One buyer, one seller, one scheme, one chain."""

    def __init__(self, node, buyer, seller, begun):
        self.node, self.buyer, self.seller = node, buyer, seller
        self.begun = begun
        # What the buyer owes for what it was given.
        self.charged = 0
        self.calls = 0

    def call(self, page, status=200):
        self.calls += 1
        text = f"call {self.calls}"
        said = self.buyer.call("call", url=self.seller.page(page), text=text)
        why = (said.get("required") or {}).get("error") or said["body"][:300]
        expect(said["status"] == status, f"status {said['status']} instead of {status}: {why}")
        if status == 200:
            expect(text in said["body"], f"the answer is not to the question: {said['body'][:300]}")
            expect(said["receipt"] is not None, "no receipt")
            expect(said["receipt"].get("success") is True, f"not a success: {said['receipt']}")
        return said

    def earned(self):
        return self.node.has(SELLER) - self.begun[SELLER]

    def spent(self):
        return self.begun[BUYER] - self.node.has(BUYER)


# ---------------------------------------------------------------------- exact


def pay(deal):
    said = deal.call("paid")
    deal.charged += PRICE
    settled(deal, said)


def pay_again(deal):
    pay(deal)
    expect(deal.charged == 2 * PRICE, "two calls, two payments")


def work_that_fails(deal):
    before = deal.earned()
    deal.call("fail", status=500)
    expect(deal.earned() == before, "work that failed was paid")


def pay_after_failure(deal):
    pay(deal)


def settled(deal, said):
    transaction = said["receipt"].get("transaction", "")
    expect(len(transaction) == 66, f"no transaction: {said['receipt']}")
    receipt = deal.node.rpc("eth_getTransactionReceipt", transaction)
    expect(receipt is not None and int(receipt["status"], 16) == 1, "the transaction is not on the chain")
    expect(deal.earned() == deal.charged, f"the seller has {deal.earned()}, not {deal.charged}")
    expect(deal.spent() == deal.charged, f"the buyer paid {deal.spent()}, not {deal.charged}")


# ---------------------------------------------------------------------- batch-settlement


def deposit(deal):
    said = deal.call("paid")
    expect(len(said["receipt"]["transaction"]) == 66, "a deposit is a transaction")
    count(deal, said, PRICE)
    held = deal.node.has(BATCH_SETTLEMENT)
    expect(held >= 3 * PRICE, f"the channel holds {held}")
    expect(deal.spent() == held, "what the buyer paid is in the channel")
    expect(state(said)["balance"] == str(held), f"the receipt says {state(said)['balance']} of {held}")


def vouchers(deal):
    before = deal.node.transactions()
    for _ in range(2):
        said = deal.call("paid")
        expect(said["receipt"].get("transaction", "") == "", "a voucher is no transaction")
        count(deal, said, PRICE)
    expect(deal.node.transactions() == before, "a voucher made a transaction")


def partial_charge(deal):
    count(deal, deal.call("part"), PART)
    # The unused rest is not lost: the next ceiling continues from what was charged.
    count(deal, deal.call("paid"), PRICE)


def claim(deal):
    before = deal.earned()
    deal.seller.command("claim")
    expect(deal.earned() == before, "a claim moved money")


def settle(deal):
    deal.seller.command("settle")
    expect(deal.earned() == deal.charged, f"the seller has {deal.earned()}, not {deal.charged}")


def voucher_after_claim(deal):
    before = deal.node.transactions()
    count(deal, deal.call("paid"), PRICE)
    expect(deal.node.transactions() == before, "a voucher made a transaction")


def buyer_forgets(deal):
    """The seller tells a buyer that lost its books where they are, with the buyer's own voucher as proof."""
    before = deal.spent()
    deal.buyer.call("forget")
    count(deal, deal.call("paid"), PRICE)
    expect(deal.spent() == before, "it opened the channel a second time")


def seller_forgets(deal):
    """A seller that lost its books goes on from what the buyer's voucher implies."""
    deal.seller.command("forget")
    count(deal, deal.call("paid"), PRICE)


def top_up(deal):
    """When the channel is used up the buyer pays in again, in the same request."""
    before = deal.spent()
    for _ in range(20):
        count(deal, deal.call("paid"), PRICE)
        if deal.spent() != before:
            return
    raise AssertionError("twenty calls and no deposit")


def refund(deal):
    said = deal.buyer.call("refund", url=deal.seller.page("paid"))
    expect(said.get("success") is True, f"not a success: {said}")
    expect(deal.spent() == deal.charged, f"the buyer paid {deal.spent()}, not {deal.charged}")


def settle_the_rest(deal):
    settle(deal)
    expect(deal.node.has(BATCH_SETTLEMENT) == 0, "something stays in the contract")
    expect(deal.spent() == deal.earned() == deal.charged, "the books do not agree")


def open_again(deal):
    said = deal.call("paid")
    expect(len(said["receipt"]["transaction"]) == 66, "no deposit")
    expect(deal.node.has(BATCH_SETTLEMENT) > 0, "nothing in the channel")


def count(deal, said, amount):
    """That the receipt says what was charged, for this call and in all."""
    deal.charged += amount
    extra = said["receipt"].get("extra") or {}
    expect(extra.get("chargedAmount") == str(amount), f"charged {extra.get('chargedAmount')}, not {amount}")
    total = state(said).get("chargedCumulativeAmount")
    expect(total == str(deal.charged), f"charged {total} in all, not {deal.charged}")


def state(said):
    found = (said["receipt"].get("extra") or {}).get("channelState")
    expect(found is not None, f"no channel in the receipt: {json.dumps(said['receipt'])[:300]}")
    return found


EXACT = [pay, pay_again, work_that_fails, pay_after_failure]
BATCH = [
    deposit,
    vouchers,
    partial_charge,
    work_that_fails,
    claim,
    settle,
    voucher_after_claim,
    buyer_forgets,
    seller_forgets,
    top_up,
    refund,
    settle_the_rest,
    open_again,
]
STEPS = {"exact": EXACT, "batch-settlement": BATCH}
assert PURSE > 1000 * PRICE


def expect(right, why):
    if not right:
        raise AssertionError(why)
