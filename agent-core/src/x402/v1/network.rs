use crate::money::Network;

/// The names that the stock packages know, with their EIP-155 chain ids.
const NAMES: [(&str, u64); 23] = [
    ("abstract", 2_741),
    ("abstract-testnet", 11_124),
    ("avalanche", 43_114),
    ("avalanche-fuji", 43_113),
    ("base", 8_453),
    ("base-sepolia", 84_532),
    ("celo", 42_220),
    ("educhain", 41_923),
    ("ethereum", 1),
    ("flare", 14),
    ("iotex", 4_689),
    ("megaeth", 4_326),
    ("monad", 143),
    ("peaq", 3_338),
    ("polygon", 137),
    ("polygon-amoy", 80_002),
    ("sei", 1_329),
    ("sei-testnet", 1_328),
    ("sepolia", 11_155_111),
    ("skale-base-sepolia", 324_705_682),
    ("stable", 988),
    ("stable-testnet", 2_201),
    ("story", 1_514),
];

/// The chain that v1 calls this.
#[must_use]
pub fn network_of(name: &str) -> Option<Network> {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, chain_id)| Network::eip155(*chain_id))
}

/// What v1 calls a chain; most have no name in it.
#[must_use]
pub fn network_name(network: Network) -> Option<&'static str> {
    let known = NAMES.iter().find(|(_, id)| *id == network.chain_id);
    known.map(|(name, _)| *name)
}
