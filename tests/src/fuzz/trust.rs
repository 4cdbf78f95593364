//! Files of EIP-8004.

use agent_core::trust::{
    FeedbackFile, MAX_FEEDBACK_WRITE_BYTES, MAX_REGISTRATION_BYTES, Oddity, RegistrationFile,
    data_uri,
};

/// What could be understood of a registration can be written, and is then a file of the standard;
/// or it says why not.
pub(super) fn registrations(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(inside) = data_uri::decode(&text, MAX_REGISTRATION_BYTES) {
        assert!(inside.len() <= MAX_REGISTRATION_BYTES);
        let again = data_uri::decode(&data_uri::encode(&inside), MAX_REGISTRATION_BYTES);
        assert_eq!(again.as_ref(), Ok(&inside));
        registration(&inside);
    }
    registration(bytes);
}

fn registration(bytes: &[u8]) {
    let read = match RegistrationFile::read(bytes) {
        Ok(read) => read,
        Err(error) => return assert!(error.to_string().len() <= 1_024, "{error}"),
    };
    assert!(read.oddities.len() <= 4_096);
    for registration in &read.file.registrations {
        let _ = registration.agent_id.to_string();
    }
    let _ = (
        read.file.a2a_card_url(),
        read.file.payment_accounts().count(),
    );
    if let Ok(written) = read.file.to_bytes() {
        let again = RegistrationFile::read(&written).expect("our own file");
        // Registrations that cannot be read are passed on as they came.
        let passed_on = |oddity: &Oddity| *oddity == Oddity::UnreadableEntry("registrations");
        assert!(again.oddities.iter().all(passed_on), "{:?}", again.oddities);
        assert_eq!(again.file.to_bytes().unwrap(), written);
        assert_eq!(again.file.registrations, read.file.registrations);
        assert_eq!(again.file.services, read.file.services);
    }
}

/// Feedback that can be written has one form and one hash.
pub(super) fn feedback(bytes: &[u8]) {
    let file = match FeedbackFile::read(bytes) {
        Ok(file) => file,
        Err(error) => {
            return assert!(
                error.to_string().len() <= 4_096,
                "{}",
                error.to_string().len()
            );
        }
    };
    let Ok(written) = file.canonical_bytes() else {
        return;
    };
    assert!(written.len() <= MAX_FEEDBACK_WRITE_BYTES);
    let again = FeedbackFile::read(&written).expect("our own file");
    assert_eq!(again.canonical_bytes().unwrap(), written);
    assert_eq!(
        again.feedback_hash().unwrap(),
        file.feedback_hash().unwrap()
    );
    assert_eq!((again.value(), again.agent()), (file.value(), file.agent()));
}
