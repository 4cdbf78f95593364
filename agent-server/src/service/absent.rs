//! Operations that the card does not offer, and what those who ask for them are told (A2A §3.3.4).
