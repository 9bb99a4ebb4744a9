//! The texts in German. They address the visitor as "Sie".
//!
//! The AuthID is "die AuthID", a login "die Anmeldung", an access token "das Zugriffstoken".

use super::{en::PageTexts, markup::Markup};

give_texts! { DE:
    // Every page.
    more = "Weitere Seiten";
    renew = "Erneuern";
    revoke = "Widerrufen";
    inspect = "Ansehen";
    privacy = "Datenschutz";
    languages = "Sprache";
    sealed_by_authseal = "Versiegelt von authseal";
    opens_a_new_tab = "(öffnet einen neuen Tab)";
    to_the_start_page = "Zur Startseite";
    try_again = "Noch einmal versuchen";
    log_in_again = "Erneut anmelden";

    // Dates: 24. November 2026.
    date(day, month, year) = "{day}. {month} {year}";
    month(number) = {
        1 => "Januar", 2 => "Februar", 3 => "März", 4 => "April", 5 => "Mai", 6 => "Juni",
        7 => "Juli", 8 => "August", 9 => "September", 10 => "Oktober", 11 => "November",
        _ => "Dezember",
    };

    // Copying.
    copied = "Kopiert";
    copy_failed = "Markiert. Kopieren Sie mit Strg+C oder ⌘C.";
    copy_authid = "AuthID kopieren";
    copy_access_token = "Zugriffstoken kopieren";
    copy_command = "Befehl kopieren";
    copy_commands = "Befehle kopieren";
    copy_table = "Tabelle kopieren";
    authid_for(service) = "AuthID für {service}";
    access_token_for(service) = "Zugriffstoken für {service}";
    one_long_line = "Eine lange Zeile. Kopieren Sie alles.";

    // The start page.
    get_an_authid = "AuthID holen";
    log_in_to(service) = "Bei {service} anmelden";
    log_in_to_named(service) = "Bei {service} anmelden";
    no_service_named(asked) = "Einen Dienst „{asked}“ bietet dieser Server nicht an.";
    choose_one_of_these = "Wählen Sie einen von diesen:";
    you_log_in_at_the_provider = "Sie melden sich beim Anbieter an. Dieser Server erfährt Ihr Passwort nie.";
    continue_to(service) = "Weiter zu {service}";
    log_in_without_sending = "Anmelden, ohne zu senden";
    what_happens_next = "Nächste Schritte";
    asks_for_access(service) = "{service} fragt, ob Sie den Zugriff erlauben.";
    come_back_for_the_authid = "Sie kommen zu diesem Server zurück und erhalten eine <strong>AuthID</strong>.";
    you_confirm_the_receiver(app) = "Sie bestätigen, wer sie erhält, oder fügen sie selbst in {app} ein.";
    goes_to_the_opener(app) = "{app} erhält sie, wenn es diese Seite geöffnet hat. Sonst fügen Sie sie dort ein.";
    you_paste_it(app) = "Sie fügen die AuthID in {app} ein.";
    approved_by_an_administrator(service, link) = r#"Wenn {service} meldet, dass ein Administrator zustimmen muss, senden Sie dem Administrator Ihrer Organisation <a href="{link}" rel="noreferrer">diesen Link</a>."#;
    use_another_service = "Einen anderen Dienst verwenden";
    log_in_with_a_token = "Mit einem Anmeldetoken anmelden";
    no_login_tokens_here = "Auf der Website einiger Anbieter erhalten Sie ein Anmeldetoken, das Sie hier einfügen. Dieser Server bietet keinen solchen Anbieter an.";
    these_give_login_tokens = "Auf der Website dieser Dienste erhalten Sie ein Anmeldetoken. Sie fügen es hier ein und erhalten eine <strong>AuthID</strong>.";
    no_service_yet = "Noch ist kein Dienst eingerichtet";
    no_service_yet_lead = "Dieser Server läuft, aber es ist noch kein Anbieter eingerichtet. Wenn Sie ihn nicht selbst betreiben, fragen Sie seinen Administrator.";
    if_you_run_it = "Wenn Sie ihn betreiben";
    setup_register = "Registrieren Sie eine OAuth-Anwendung bei Ihrem Anbieter.";
    setup_give_id = "Geben Sie diesem Server deren ID und Geheimnis, wie es die Liste unten zeigt.";
    setup_check = "Rufen Sie <code>authseal check</code> auf. Es sagt, was noch fehlt.";
    setup_restart = "Starten Sie den Server neu.";
    choose_your_storage = "Speicherdienst wählen";
    choose_your_storage_lead(app) = "Melden Sie sich einmal an. Sie erhalten eine <strong>AuthID</strong>, mit der {app} oder ein anderes Programm von da an Zugriff hat.";
    used_before = "In diesem Browser schon verwendet";
    forget_them = "Liste löschen";
    all_others = "Alle anderen";
    search = "Suchen";
    search_services(count) = { 1 => "In 1 Dienst suchen", _ => "In {count} Diensten suchen" };
    none_matches = "Kein passender Dienst.";
    press_enter = "Die Eingabetaste öffnet ihn.";
    ends_at_restart(services) = "<strong>{services}: Nach einem Neustart dieses Servers müssen Sie sich erneut anmelden.</strong> Bis dahin gilt eine AuthID dafür. Der Administrator dieses Servers kann das ändern.";
    the_opener = "Das Programm, das diese Seite geöffnet hat,";
    asks_for_your_authid(program, app) = "<strong>{program} bittet um Ihre AuthID.</strong> Fahren Sie nur fort, wenn Sie von Ihrem eigenen {app} hierhergekommen sind. Vor der Übergabe werden Sie noch einmal gefragt.";
    will_receive_your_authid(program, app) = "<strong>{program} wird Ihre AuthID erhalten.</strong> Fahren Sie nur fort, wenn Sie von Ihrem eigenen {app} hierhergekommen sind.";

    // The password.
    password = "Passwort";
    enter_the_password = "Passwort eingeben";
    password_lead = "Der Administrator dieses Servers verlangt ein Passwort, bevor Sie sich bei einem Speicherdienst anmelden können.";
    password_of_this_server = "Passwort dieses Servers";
    password_hint = "Nicht das Passwort Ihres Speicherdienstes. In diesem Browser werden Sie zwölf Stunden lang nicht wieder gefragt.";
    continue_now = "Weiter";
    wrong_password = "Das Passwort ist falsch. Geben Sie es noch einmal ein.";
    too_many_passwords(seconds) = {
        1 => "Zu viele Versuche aus Ihrem Netz. Versuchen Sie es in 1 Sekunde noch einmal.",
        _ => "Zu viele Versuche aus Ihrem Netz. Versuchen Sie es in {seconds} Sekunden noch einmal.",
    };
    too_many_at_the_password = "Zurzeit werden zu viele Passwörter eingegeben. Versuchen Sie es gleich noch einmal.";
    no_key_to_seal = "Dieser Server hat keinen Schlüssel, mit dem er eine AuthID versiegeln kann. Benachrichtigen Sie den Administrator dieses OAuth-Servers.";

    // The form for a login token.
    cli_token_lead(service) = "Bei {service} melden Sie sich mit einem Anmeldetoken an, das Sie auf der Website des Dienstes erzeugen.";
    that_did_not_work = "Das hat nicht funktioniert.";
    login_token = "Anmeldetoken";
    login_token_hint = "Es lässt sich nur einmal verwenden und läuft bald ab.";
    get_the_authid = "AuthID holen";
    how_to_get_a_login_token = "So erhalten Sie ein Anmeldetoken";
    open_it(link) = "Öffnen Sie {link}.";
    security_settings_of(service) = "die Sicherheitseinstellungen von {service}";
    open_security_settings(service) = "Öffnen Sie die Sicherheitseinstellungen Ihres Kontos bei {service}.";
    make_a_login_token = r#"Erzeugen Sie unter <strong lang="en">Personal login token</strong> ein neues, und kopieren Sie es vollständig."#;
    paste_it_above = "Fügen Sie es oben ein.";
    table_to_add = "Neue Tabelle";
    table_hint = "Für den Administrator: Fügen Sie sie in die Datei ein, die AUTHSEAL_PROVIDERS nennt, und starten Sie den Server neu.";

    // The forms for an AuthID.
    authid_hint = "Sie beginnt mit <code>v2:</code>. Nur dieser Server erhält sie, und er speichert sie nicht.";
    revoke_an_authid = "AuthID widerrufen";
    revoke_lead = "Der Anbieter wird gebeten, die Anmeldung zu beenden. Jede AuthID dieser Anmeldung wird ungültig.";
    revoke_it = "Widerrufen";
    revoke_afterwards(app) = "Backups, die sie verwenden, erreichen ihre Dateien dann nicht mehr. Melden Sie sich erneut an, um {app} eine neue zu geben.";
    inspect_an_authid = "AuthID ansehen";
    inspect_lead = "Sie sehen, was dieser Server über sie weiß: den Dienst, das Datum von Anmeldung und AuthID, den Schlüssel und die Gültigkeit.";
    inspect_it = "Ansehen";
    inspect_afterwards = "Kein Token wird gezeigt, nichts wird geändert, und der Anbieter wird nicht gefragt.";
    renew_an_authid = "AuthID erneuern";
    renew_lead = "Der Anbieter wird gefragt, ob die Anmeldung noch gilt. Sie erhalten die neueste AuthID dieser Anmeldung, ohne sich erneut anzumelden.";
    renew_it = "Erneuern";
    renew_afterwards(app) = "Tragen Sie die neue in {app} ein. Die alte gilt, bis der Administrator dieses Servers den Schlüssel zurückzieht, der sie versiegelt hat.";
    revoked = "Widerrufen";
    login_is_revoked = "Die Anmeldung ist widerrufen";
    revoked_lead(provider, service) = "{provider} hat es bestätigt: Keine AuthID dieser Anmeldung bei {service} gewährt noch Zugriff.";

    // An inspected AuthID.
    standing_revoked = "<strong>Sie ist widerrufen.</strong> Sie gewährt keinen Zugriff mehr. Melden Sie sich erneut an.";
    standing_refreshed(minutes, provider) = {
        1 => "<strong>Sie funktioniert.</strong> {provider} hat diesem Server vor Kurzem ein Zugriffstoken ausgestellt, das noch 1 Minute gilt.",
        _ => "<strong>Sie funktioniert.</strong> {provider} hat diesem Server vor Kurzem ein Zugriffstoken ausgestellt, das noch {minutes} Minuten gilt.",
    };
    standing_unanswered(provider) = "<strong>Sie ist vielleicht verbraucht.</strong> Dieser Server hat ihr Token an {provider} gesendet und keine Antwort erhalten.";
    standing_store_silent = "<strong>Dieser Server weiß zurzeit nicht, ob sie funktioniert.</strong> Das neueste Token der Anmeldung ist jetzt nicht lesbar. Versuchen Sie es später noch einmal. Wenn es so bleibt, melden Sie sich erneut an.";
    standing_unknown(provider) = "<strong>Sie lässt sich öffnen und ist hier nicht widerrufen.</strong> Dieser Server hat zurzeit kein Zugriffstoken dafür. Nur {provider} weiß, ob die Anmeldung noch gilt.";
    ask_by_renewing(provider) = "Durch Erneuern bei {provider} nachfragen";
    its_contents = "Inhalt";
    service = "Dienst";
    account = "Konto";
    account_unknown = "Steht nicht in einer AuthID. Nur die Ergebnisseite einer Anmeldung zeigt es.";
    region = "Region";
    login = "Anmeldung";
    login_unknown = "Nicht bekannt: Die Anmeldung fand auf einem anderen Server statt";
    issued = "Ausgestellt";
    issued_unknown = "Nicht bekannt: Die AuthID stammt vom Server von Duplicati";
    generation = "Generation";
    generation_meaning(number, provider) = "{number}: So oft hatte {provider} das Token ersetzt.";
    generation_newer(number) = "Dieser Server kennt Generation {number} und verwendet diese.";
    key = "Schlüssel";
    key_made(days, kid, date) = {
        0 => "<code>{kid}</code>, erzeugt am {date}, vor weniger als einem Tag.",
        1 => "<code>{kid}</code>, erzeugt am {date}, vor 1 Tag.",
        _ => "<code>{kid}</code>, erzeugt am {date}, vor {days} Tagen.",
    };
    key_older = "Neue AuthIDs versiegelt ein neuerer Schlüssel.";
    key_ends(date) = "Er öffnet AuthIDs bis zum {date}: Erneuern Sie diese AuthID vorher.";
    client_id = "Client-ID";
    client_id_other(provider) = "Eine andere, als dieser Server jetzt hat. Wenn {provider} das Token ablehnt, melden Sie sich erneut an.";

    // How long an AuthID is valid.
    how_long_valid = "Gültigkeit";
    valid_unlimited(provider) = "Bis Sie oder {provider} den Zugriff widerrufen.";
    valid_while_used(days, provider) = {
        1 => "Bis 1 Tag nach ihrer letzten Verwendung: {provider} beendet eine Anmeldung, die länger nicht verwendet wird. Melden Sie sich dann erneut an.",
        _ => "Bis {days} Tage nach ihrer letzten Verwendung: {provider} beendet eine Anmeldung, die länger nicht verwendet wird. Melden Sie sich dann erneut an.",
    };
    valid_from_issue(days, until) = {
        1 => "<strong>Bis zum {until}</strong>, 1 Tag nach der Ausstellung, auch wenn sie verwendet wird. Melden Sie sich vorher erneut an.",
        _ => "<strong>Bis zum {until}</strong>, {days} Tage nach der Ausstellung, auch wenn sie verwendet wird. Melden Sie sich vorher erneut an.",
    };
    valid_until_restart(provider) = "<strong>Bis dieser Server neu gestartet wird.</strong> {provider} ersetzt jedes Token, das verwendet wird, und dieser Server behält das neueste nur im Arbeitsspeicher. Melden Sie sich nach einem Neustart erneut an. Ein Programm, das jede neuere AuthID selbst speichert, wie rclone, arbeitet weiter.";

    // The result of a login: who receives it.
    your_authid_for(service) = "Ihre AuthID für {service}";
    your_access_token_for(service) = "Ihr Zugriffstoken für {service}";
    done_sent_to(app) = "Fertig: an {app} gesendet";
    not_handed_over = "Die Übergabe ist gescheitert";
    nothing_is_handed_over = "Jetzt wird nichts übergeben";
    hand_over_authid = "Ihre AuthID übergeben?";
    hand_over_access_token = "Ihr Zugriffstoken übergeben?";
    authid_is_ready = "Ihre AuthID ist bereit";
    access_token_is_ready = "Ihr Zugriffstoken ist bereit";
    account_at(provider) = "Konto bei {provider}:";
    or_log_in_as_another(url) = r#"oder <a href="{url}">mit einem anderen Konto anmelden</a>"#;
    log_in_as_another = "Mit einem anderen Konto anmelden";
    log_out_first(provider, url) = r#"Das falsche Konto? Melden Sie sich bei {provider} ab, und <a href="{url}">melden Sie sich dann erneut an</a>."#;
    authid_not_stored(app) = "Dieser Server konnte die AuthID nicht für {app} speichern. Versuchen Sie es noch einmal, oder kopieren Sie sie unten.";
    access_token_not_stored(app) = "Dieser Server konnte das Zugriffstoken nicht für {app} speichern. Versuchen Sie es noch einmal, oder kopieren Sie es unten.";
    first_copy_this_then_authid(app) = "Kopieren Sie zuerst dies: {app} fragt auch danach und schließt dieses Fenster, sobald es die AuthID hat.";
    first_copy_this_then_access_token(app) = "Kopieren Sie zuerst dies: {app} fragt auch danach und schließt dieses Fenster, sobald es das Zugriffstoken hat.";
    fetched_soon(app) = "{app} holt den Text in wenigen Sekunden ab und schließt dieses Fenster. Wenn das Feld AuthID dort leer bleibt, kopieren Sie ihn unten.";
    too_late(app) = "Der Text wurde schon übergeben, oder {app} hat diese Seite vor mehr als fünf Minuten geöffnet. Kopieren Sie ihn, und fügen Sie ihn in {app} in das Feld AuthID ein.";
    fetched_perhaps(app) = "{app} holt den Text in wenigen Sekunden ab, wenn die Adresse von {app} mit http:// (nicht https://) beginnt. Wenn nichts geschieht, kopieren Sie ihn hier.";
    asks_for_this_too(app) = "{app} fragt auch hiernach:";
    copy_and_paste_with_this(app) = "Kopieren Sie den Text, und fügen Sie ihn in {app} in das Feld AuthID ein. Dort wird auch hiernach gefragt:";
    copy_and_paste(app) = "Kopieren Sie den Text, und fügen Sie ihn in {app} in das Feld AuthID ein.";
    fetching_is_blocked(app) = "{app} kann den Text nicht abholen: Die Seite von {app} nutzt https, dieser Server nur http. Browser verhindern das.";
    close_window = "Fenster schließen";
    close_failed = "Der Browser lässt es offen: Schließen Sie es selbst.";
    copy_authid_yourself = "Die AuthID selbst kopieren";
    copy_access_token_yourself = "Das Zugriffstoken selbst kopieren";
    copy_it_instead = "Stattdessen kopieren";
    hand_it_over_instead = "Stattdessen übergeben";
    works_by_http_only(app) = "Das geht nur, wenn die Adresse Ihres {app} mit http:// und nicht mit https:// beginnt. Browser verhindern, dass eine Seite mit https diesen Server abfragt, der nur http nutzt.";

    // The question before a hand-over.
    a_program_without_address = "Ein Programm, das seine Adresse nicht nennt,";
    program_asks_for_authid(program) = "<strong>{program} bittet um Ihre AuthID.</strong>";
    program_asks_for_access_token(program) = "<strong>{program} bittet um Ihr Zugriffstoken.</strong>";
    who_has_it_reaches(service) = "Wer den Text hat, kann auf Ihre Dateien bei {service} zugreifen.";
    only_from_your_own(app) = "Stimmen Sie nur zu, wenn Sie von Ihrem eigenen {app} hierhergekommen sind. Wenn jemand Ihnen einen Link zu diesem Server gesendet hat, schließen Sie dieses Fenster.";
    only_from_this_address(app) = "Stimmen Sie nur zu, wenn Sie von Ihrem eigenen {app} hierhergekommen sind und dies seine Adresse ist. Wenn jemand Ihnen einen Link zu diesem Server gesendet hat, schließen Sie dieses Fenster.";
    hand_over_to(program) = "An {program} übergeben";
    hand_over_to_the_opener = "Dem Programm übergeben, das diese Seite geöffnet hat";

    // Sending it to the page that opened this one.
    sent_to(origin) = "An {origin} gesendet. Wenn das Feld AuthID dort leer bleibt, kopieren Sie den Text unten.";
    send_to(origin) = "An {origin} senden";
    send_hint = "Das ist die Seite, die diese geöffnet hat.";
    send_authid_only_to_your_own(app) = "Senden Sie die AuthID nur, wenn es Ihr eigenes {app} ist.";
    send_access_token_only_to_your_own(app) = "Senden Sie das Zugriffstoken nur, wenn es Ihr eigenes {app} ist.";
    sent(app) = "Gesendet. Wenn {app} diese Adresse hat, können Sie dieses Fenster schließen.";
    write_an_address = "Schreiben Sie die Adresse so: https://duplicati.example.com:8200";
    address_of_your(app) = "Adresse Ihres {app}";
    unnamed_opener_gets_authid = "Eine andere Seite hat diese geöffnet, aber der Browser sagt nicht, welche. Nur eine Seite mit dieser Adresse kann die AuthID erhalten.";
    unnamed_opener_gets_access_token = "Eine andere Seite hat diese geöffnet, aber der Browser sagt nicht, welche. Nur eine Seite mit dieser Adresse kann das Zugriffstoken erhalten.";
    send_it_there = "Dorthin senden";

    // Where to use an AuthID.
    where_to_use_it = "Verwendung";
    a_script = "Ein Skript";
    rclone_lead = "Führen Sie das auf dem Gerät aus, auf dem rclone installiert ist. rclone holt seine Zugriffstoken dann bei diesem Server und speichert neuere AuthIDs selbst.";
    save_authid_first(app) = "Speichern Sie dort zuerst die AuthID mit einem Texteditor in einer Datei <code>authid</code>. Kopieren Sie sie im Tab {app}. <code>chmod 600 authid</code> verbirgt sie vor anderen Benutzern.";
    short_form = "Kurzform";
    reads_file_authid = "Der Befehl liest die AuthID aus dieser Datei im selben Ordner. Ohne die Datei bricht er ab.";
    with_the_authid_in_it = "Mit der AuthID darin";
    command_for_rclone = "Befehl für rclone";
    command_is_visible = "Während er läuft, können andere Benutzer des Geräts ihn sehen. Danach steht er im Verlauf der Shell.";
    script_lead = "Jede OAuth-Bibliothek kann die AuthID als Refresh-Token verwenden, ohne Client-Geheimnis.";
    script_answer = "Der Befehl liest die AuthID aus dieser Datei im selben Ordner. Ohne die Datei bricht er ab. Die Antwort ist JSON: <code>access_token</code>, <code>expires_in</code> in Sekunden und <code>refresh_token</code>, die neueste AuthID.";
    save_it_each_time(provider) = "Speichern Sie diese jedes Mal: {provider} ersetzt seine Token.";
    commands_for_a_shell = "Befehle für eine Shell";
    they_write_authid = "Die Befehle legen zuerst die Datei <code>authid</code> an.";

    // What else to know of the result.
    treat_like_a_password = "Behandeln Sie das wie ein Passwort.";
    authid_reaches_files = "Wer sie hat, kann über diesen Server auf Ihre Dateien zugreifen. Dieser Server speichert sie nicht: Wenn Sie sie verlieren, melden Sie sich erneut an.";
    access_token_reaches_files(service, app) = "Wer es hat, kann auf Ihre Dateien zugreifen. Das Token von {service} gilt lange: {app} verwendet es direkt und fragt hier nie nach einem neuen. Deshalb kann dieser Server es nicht widerrufen.";
    take_access_away = "Zugriff entziehen";
    revoke_here_while_you_have_it(url) = r#"<a href="{url}">Widerrufen Sie die AuthID hier</a>, solange Sie sie haben."#;
    remove_connection_in_account(apps) = "Entfernen Sie die Verbindung in Ihrem Konto: {apps}.";
    or_remove_connection_in_account(apps) = "Oder entfernen Sie die Verbindung in Ihrem Konto: {apps}.";
    connected_apps = "verbundene Apps";
    remove_connection_at(service) = "Entfernen Sie die Verbindung in den Einstellungen Ihres Kontos bei {service}.";
    or_remove_connection_at(service) = "Oder entfernen Sie die Verbindung in den Einstellungen Ihres Kontos bei {service}.";
    authid_stops_then = "Die AuthID wird dann ungültig.";
    access_token_stops_then = "Das Zugriffstoken wird dann ungültig.";
    open_service(service) = "{service} öffnen";
    get_another_authid = "Noch eine AuthID holen";

    // An AuthID for another machine.
    authid_elsewhere = "AuthID für ein anderes Gerät";
    get_it_elsewhere = "Für ein anderes Gerät";
    elsewhere_lead(minutes, service) = {
        1 => "Die AuthID für {service} kann <strong>einmal, innerhalb von 1 Minute</strong> geholt werden.",
        _ => "Die AuthID für {service} kann <strong>einmal, innerhalb von {minutes} Minuten</strong> geholt werden.",
    };
    command_for_that_machine = "Befehl für das andere Gerät";
    elsewhere_hint = "Er gibt die AuthID aus. Danach nützt der Code darin niemandem mehr. Fehler 404 heißt, dass der Code schon verwendet wurde oder zu alt ist.";
    or_scan = "Oder mit der Kamera des anderen Geräts scannen";
    scan_hint = "Dort öffnet sich eine Seite mit einer Schaltfläche, die die AuthID zeigt.";
    qr_code = "QR-Code mit einem Link für das andere Gerät";
    show_it_to_nobody = "<strong>Zeigen Sie das niemandem.</strong> Wer den Code zuerst verwendet, erhält die AuthID.";
    get_by_code = "AuthID mit einem Code holen";
    collect_lead = "Der Code steht auf dem Gerät, auf dem Sie sich angemeldet haben, unter „Für ein anderes Gerät“. Er ist nur einmal gültig.";
    code = "Code";
    code_hint = "16 Buchstaben und Ziffern, in Vierergruppen.";
    show_the_authid = "AuthID zeigen";
    code_unknown = "Dieser Code ist unbekannt, wurde schon verwendet oder ist älter als 5 Minuten. Erzeugen Sie einen neuen auf der Seite mit der AuthID. Wenn er verwendet wurde, melden Sie sich erneut an.";
    too_many_codes_tried = "Aus Ihrem Netz wurden zu viele Codes ausprobiert. Versuchen Sie es mit diesem in einer Minute noch einmal.";
    code_not_now = "Dieser Server kann den Code jetzt nicht suchen. Versuchen Sie es gleich noch einmal.";

    // Privacy.
    privacy_lead(app) = "Dieser Server hilft {app}, Ihren Speicherdienst ohne Browser zu erreichen. Er legt kein Konto für Sie an.";
    what_is_stored = "Gespeicherte Daten";
    stored_but_this = "Außer seinem Protokoll speichert dieser Server nichts über Sie als das, was in diesem Absatz steht.";
    stored_nothing_on_disk = "Außer seinem Protokoll speichert dieser Server nichts über Sie auf einem Datenträger.";
    stored_in_memory(app) = "Wenn Sie sich anmelden, stellt Ihr Anbieter diesem Server ein Token aus. Der Server versiegelt es in Ihrer AuthID, gibt Ihnen diese und vergisst das Token. Wenn die Antwort des Anbieters Ihr Konto nennt, zeigt die Seite mit der AuthID den Namen, und auch den vergisst der Server. Solange {app} die AuthID verwendet, bleibt ein kurzlebiges Zugriffstoken im Arbeitsspeicher, bis es abläuft, meist innerhalb einer Stunde.";
    hand_overs_in_memory(app) = "Eine AuthID, die {app} gleich abholt, bleibt eine halbe Minute im Arbeitsspeicher, und eine, die Sie auf einem anderen Gerät haben wollen, fünf Minuten.";
    hand_overs_in_store(app) = "Eine AuthID, die {app} gleich abholt, bleibt eine halbe Minute im Datenspeicher dieses Servers, und eine, die Sie auf einem anderen Gerät haben wollen, fünf Minuten. Sie ist dort versiegelt.";
    stored_newest_in_store = "Wenn Ihr Anbieter seine Token ersetzt, bleibt Ihre neueste AuthID nach ihrer letzten Verwendung 180 Tage lang im Datenspeicher dieses Servers, wo sie sich nur mit einer AuthID von Ihnen öffnen lässt.";
    stored_newest_in_memory = "Wenn Ihr Anbieter seine Token ersetzt, bleibt Ihre neueste AuthID im Arbeitsspeicher, bis der Server neu startet.";
    files_do_not_pass(app) = "Ihre Dateien laufen nie über diesen Server: {app} spricht selbst mit dem Speicherdienst.";
    what_is_in_an_authid = "Inhalt einer AuthID";
    in_authid_encrypted = "Alles außer dem Dienst ist mit einem Schlüssel verschlüsselt, den nur dieser Server hat.";
    in_authid_service = "Der Speicherdienst, für den sie gilt, für alle lesbar: <code>v2:googledrive:</code>";
    refresh_token = "Refresh-Token";
    in_authid_refresh_token = "Das Token, das der Anbieter ausstellte, als Sie den Zugriff erlaubten";
    time = "Zeit";
    in_authid_time = "Der Zeitpunkt, zu dem die AuthID erzeugt wurde";
    lineage = "Herkunft";
    in_authid_lineage = "Eine Zufallszahl Ihrer Anmeldung, und wie oft der Anbieter das Token seither ersetzt hat";
    client_mark = "Client-Merkmal";
    in_authid_client_mark = "Ein paar Zeichen, die sagen, mit welcher Anwendung dieses Servers Sie sich beim Anbieter angemeldet haben";
    in_authid_no_name = "Eine AuthID enthält keinen Namen, keine E-Mail-Adresse und kein Passwort.";
    what_is_logged = "Protokoll";
    logged = "Das Protokoll hat eine Zeile für jede Anfrage an diesen Server: die Zeit, die IP-Adresse, von der sie kam, die Art der Anfrage, das Ergebnis und, wenn es um eine AuthID ging, den Dienst und einen kurzen Code, der eine Anmeldung von einer anderen unterscheidet. Es enthält nie ein Token, eine AuthID oder deren Inhalt. Ein Proxy vor diesem Server kann ein eigenes Protokoll führen.";
    logged_with_names = "Das Protokoll hat eine Zeile für jede Anfrage an diesen Server: die Zeit, die IP-Adresse, von der sie kam, die Art der Anfrage, das Ergebnis und, wenn es um eine AuthID ging, den Dienst, ihre Namen und einen kurzen Code, der eine Anmeldung von einer anderen unterscheidet. Es enthält nie ein Token oder eine AuthID. Ein Proxy vor diesem Server kann ein eigenes Protokoll führen.";
    cookies = "Cookies";
    cookies_of_logins = "Wenn Sie sich anmelden, verbindet ein Cookie die Antwort des Anbieters mit Ihrem Browser. Wenn ein Programm diese Website für Sie öffnet, merkt sich davor ein Cookie, welches Programm die AuthID erhält. Beide sind versiegelt, Skripte können sie nicht lesen, und sie laufen nach 10 Minuten ab. Wenn diese Website nach einem Passwort fragt, merken sich zwei weitere Cookies, dass es in diesem Browser eingegeben wurde: für 12 Stunden, damit Sie nicht wieder gefragt werden, und für 180 Tage, damit Sie nicht wegen falscher Versuche anderer warten müssen.";
    cookie_of_the_language = "Wenn Sie am Fuß einer Seite eine Sprache wählen, merkt sich das ein Cookie, meist bis Sie den Browser schließen. Es enthält sonst nichts.";
    remembered_services = "Die Startseite merkt sich, nur in diesem Browser, welche Dienste Sie gewählt haben, und zeigt diese zuerst. Mit „Liste löschen“ entfernen Sie sie.";
    how_to_revoke = "Wie Sie den Zugriff widerrufen";
    revoke_here_or_there(url) = r#"<a href="{url}">Widerrufen Sie die AuthID hier</a>, solange Sie sie haben: Dieser Server bittet den Anbieter dann, die Anmeldung zu beenden. Oder entfernen Sie die Verbindung in Ihrem Konto beim Anbieter. Auf beiden Wegen wird die AuthID ungültig."#;
    renew_or_inspect(renew, inspect) = r#"Eine ältere AuthID können Sie <a href="{renew}">erneuern</a>. Sie können eine AuthID auch <a href="{inspect}">ansehen</a>: Die Seite sagt, was sie ist, ohne ein Token zu zeigen."#;

    // Errors.
    message_from_the_provider = "Meldung des Anbieters";
    tell_administrator = "Benachrichtigen Sie den Administrator dieses OAuth-Servers.";
    no_such_page = "Diese Seite gibt es nicht";
    no_such_page_happened = "Dieser Server hat unter dieser Adresse keine Seite.";
    no_such_page_advice = "Wählen Sie einen Dienst auf der Startseite.";
    waits_for_keys = "Dieser Server wartet auf seine Schlüssel";
    waits_for_keys_advice = "Nichts ist verloren: AuthIDs funktionieren wieder, sobald die Schlüssel zurück sind.";
    not_from_here = "Von hier aus können Sie sich nicht anmelden";
    not_from_address(address) = "Bei diesem Server kann man sich nur aus bestimmten Netzen anmelden, und Sie kommen von {address}.";
    not_from_address_advice = "Versuchen Sie es aus einem erlaubten Netz, zum Beispiel von zu Hause oder über ein VPN, oder fragen Sie den Administrator.";
    not_from_unknown_address = "Bei diesem Server kann man sich nur aus bestimmten Netzen anmelden, und er kann nicht erkennen, woher Sie kommen: Der Proxy davor sagt es nicht, oder ihm wird nicht vertraut.";
    not_from_unknown_address_advice = "Benachrichtigen Sie den Administrator: AUTHSEAL_TRUSTED_PROXIES muss den Proxy nennen, und der Proxy muss X-Forwarded-For oder Forwarded senden: nur eines von beiden, oder beide mit derselben Adresse.";
    not_signed_in = "Sie sind nicht angemeldet";
    not_signed_in_happened = "Dieser Server lässt nur Personen zu, die sein Proxy angemeldet hat. Der Proxy hat keinen Benutzer genannt.";
    not_signed_in_advice = "Melden Sie sich zuerst beim Proxy an, oder fragen Sie den Administrator.";
    not_renewed = "Die AuthID wurde nicht erneuert";
    not_renewed_advice = "Die AuthID, die Sie haben, ist unverändert.";
    not_revoked = "Die Anmeldung wurde nicht widerrufen";
    not_revoked_advice = "Die AuthID gewährt vielleicht noch Zugriff.";
    remove_access_there = "Den Zugriff dort entfernen";
    not_inspected = "Diese AuthID lässt sich nicht ansehen";
    not_inspected_advice = "Nichts wurde geändert.";
    sent_by_another_site = "Das kam von einer anderen Website";
    sent_by_another_site_happened = "Eine andere Website hat diesem Server in Ihrem Namen ein Formular gesendet. Deshalb geschah nichts.";
    sent_by_another_site_advice = "Wenn Sie das wollten, beginnen Sie auf einer Seite dieses Servers.";

    // Reasons that clients get too, before the server's own words.
    reason_no_authid(reason) = "Es kam keine AuthID an. Fügen Sie eine ein, oder melden Sie sich an, um eine zu erhalten. Meldung: {reason}";
    reason_not_an_authid(reason) = "Das ist keine vollständige AuthID. Kopieren Sie die ganze AuthID, oder melden Sie sich erneut an. Meldung: {reason}";
    reason_login_over(reason) = "Diese AuthID lässt sich nicht mehr verwenden. Melden Sie sich erneut an. Meldung: {reason}";
    reason_remove_there(reason) = "Der Anbieter hat den Widerruf nicht bestätigt. Entfernen Sie den Zugriff in den Einstellungen Ihres Kontos dort. Meldung: {reason}";
    reason_outside_networks(reason) = "Diese AuthID darf von hier aus nicht verwendet werden. Meldung: {reason}";
    reason_other_client(reason) = "Die AuthID gehört zu einer anderen Client-ID. Melden Sie sich erneut an, oder bitten Sie den Administrator, die alte Client-ID wieder einzusetzen. Meldung: {reason}";
    reason_perhaps_other_client(reason) = "Die AuthID gehört vielleicht zu einer anderen Client-ID. Melden Sie sich erneut an. Wenn auch das scheitert, benachrichtigen Sie den Administrator. Meldung: {reason}";
    reason_administrator(reason) = "Etwas ist falsch eingestellt. Benachrichtigen Sie den Administrator dieses OAuth-Servers. Meldung: {reason}";
    reason_keys_missing(reason) = "Diesem Server fehlen Schlüssel. Benachrichtigen Sie den Administrator dieses OAuth-Servers. Meldung: {reason}";
    reason_unavailable(reason) = "Das geht zurzeit nicht. Versuchen Sie es später noch einmal. Meldung: {reason}";
    reason_overloaded(reason) = "Gerade kommen zu viele Anfragen. Versuchen Sie es gleich noch einmal. Meldung: {reason}";
    reason_no_revocation(reason) = "Bei diesem Anbieter kann dieser Server die Anmeldung nicht widerrufen. Entfernen Sie den Zugriff in den Einstellungen Ihres Kontos dort. Meldung: {reason}";
    reason_login_refused(reason) = "Der Anbieter hat diese Anmeldung nicht angenommen. Meldung: {reason}";

    // Advice of providers.toml, in the same way.
    advice_to_log_in(advice) = "Melden Sie sich erneut an. Hinweis: {advice}";
    advice_to_the_user(advice) = "Sie müssen zuerst selbst beim Anbieter etwas tun. Hinweis: {advice}";
    advice_to_the_organisation(advice) = "Wenden Sie sich an den Administrator Ihrer Organisation. Hinweis: {advice}";
    advice_to_wait(advice) = "Versuchen Sie es später noch einmal. Hinweis: {advice}";

    // Errors of one-time codes.
    no_code = "Es wurde kein Code erzeugt";
    no_code_old_page = "Die Seite mit der Schaltfläche ist älter als 10 Minuten oder nicht von diesem Server.";
    no_code_old_page_advice = "Erneuern Sie die AuthID, oder melden Sie sich erneut an: Die neue Seite hat die Schaltfläche auch.";
    too_many_codes = "Zu viele Codes für Ihr Netz";
    too_many_codes_happened = "Ihr Netz hat in den letzten Minuten mehr Codes erzeugt, als dieser Server erlaubt.";
    too_many_codes_advice(seconds) = {
        1 => "Warten Sie 1 Sekunde und laden Sie diese Seite dann neu, oder kopieren Sie die AuthID von der Seite mit der Schaltfläche.",
        _ => "Warten Sie {seconds} Sekunden und laden Sie diese Seite dann neu, oder kopieren Sie die AuthID von der Seite mit der Schaltfläche.",
    };
    fetched_already = "Die AuthID wurde schon abgeholt";
    fetched_already_happened = "Die AuthID dieser Seite wurde mit ihrem Code abgeholt, der nur einmal gültig ist.";
    fetched_already_advice = "Wenn Sie das waren und die AuthID verloren ging, melden Sie sich erneut an. Wenn Sie es nicht waren, widerrufen Sie zuerst die AuthID.";
    no_code_not_stored = "Dieser Server konnte die AuthID nicht für das andere Gerät speichern.";
    no_code_not_stored_advice = "Laden Sie diese Seite gleich neu, oder kopieren Sie die AuthID von der Seite mit der Schaltfläche.";

    // Errors of logins.
    no_such_service = "Diesen Dienst gibt es nicht";
    no_such_service_happened = "Der Link verlangt einen Dienst, den dieser Server nicht anbietet.";
    no_such_service_advice = "Wählen Sie einen aus der Liste.";
    login_not_finished = "Diese Anmeldung lässt sich nicht abschließen";
    login_not_begun = "Sie wurde nicht in diesem Browser begonnen, dauerte länger als zehn Minuten, oder die Seite wurde ein zweites Mal geladen.";
    login_not_begun_advice = "Beginnen Sie neu. Wenn es jedes Mal geschieht, erlauben Sie Cookies für diese Website.";
    too_many_logins = "Zu viele Anmeldungen aus Ihrem Netz";
    too_many_logins_happened = "Ihr Netz hat in den letzten Minuten mehr Anmeldungen begonnen, als dieser Server erlaubt.";
    too_many_logins_advice(seconds) = {
        1 => "Warten Sie 1 Sekunde und laden Sie diese Seite dann neu: Sie können diese Anmeldung noch einige Minuten lang abschließen.",
        _ => "Warten Sie {seconds} Sekunden und laden Sie diese Seite dann neu: Sie können diese Anmeldung noch einige Minuten lang abschließen.",
    };
    no_login_yet = "Noch keine Anmeldung";
    no_login_yet_happened = "Ihr Browser kam von der Seite zurück, auf der ein Administrator für eine Organisation zustimmt. Diese Zustimmung ist keine Anmeldung, deshalb gibt es keine AuthID.";
    no_login_yet_advice = "Melden Sie sich nun an, und zwar als der Benutzer, um dessen Dateien es geht: Wählen Sie den Dienst auf der Startseite.";
    came_from_unknown_place(provider) = "{provider} hat Sie von einem unbekannten Ort zurückgeschickt";
    came_from_unknown_place_happened = "Dieser Server kennt die Adresse nicht, unter der Ihr Konto ist. Deshalb wurde nichts dorthin gesendet.";
    no_login_token_of(provider) = "Das ist kein Anmeldetoken von {provider}";
    no_login_token_advice = "Erzeugen Sie ein neues, und fügen Sie es vollständig ein.";
    login_comes_again = "Nichts wurde gesendet. Laden Sie diese Seite gleich neu: Sie können diese Anmeldung noch einige Minuten lang abschließen.";
    no_authid_log_in_again = "Es wurde keine AuthID erzeugt. Melden Sie sich erneut an.";
    no_authid = "Es wurde keine AuthID erzeugt.";
    cannot_seal = "Dieser Server kann jetzt keine AuthID erzeugen";
    cannot_seal_happened = "Keiner seiner Schlüssel darf eine AuthID versiegeln.";
    refused_the_login(provider) = "{provider} hat die Anmeldung abgelehnt";
    refused_the_login_happened(provider) = "{provider} hat Sie zurückgeschickt, ohne Zugriff zu gewähren.";
    refused_the_login_advice = "Wenn Sie versehentlich abgelehnt haben, versuchen Sie es noch einmal. Wenn es jedes Mal geschieht, zeigen Sie diese Seite dem Administrator.";
    no_consent = "Die Zustimmung wurde nicht erteilt";
    no_consent_happened(code) = "Ihr Browser kam von der Seite zurück, auf der ein Administrator für eine Organisation zustimmt, und es gab keine Zustimmung{code}: Sie wurde verweigert, oder das Konto darf sie nicht erteilen.";
    no_consent_advice = "Ein Administrator der Organisation muss den Link zu dieser Seite noch einmal öffnen und zustimmen. Wenn niemand abgelehnt hat, senden Sie diese Seite dem Administrator dieses Servers.";
    not_from_provider(provider) = "Diese Antwort ist nicht von {provider}";
    came_from_another_path(provider) = "Sie wollten sich bei {provider} anmelden, aber die Antwort, die Ihr Browser brachte, kam an die Adresse eines anderen Anbieters. Sie wurde nicht verwendet, und es wurde keine AuthID erzeugt.";
    came_from_another_issuer(provider) = "Sie wollten sich bei {provider} anmelden, aber die Antwort, die Ihr Browser brachte, nennt einen anderen Anbieter als Absender (iss). Sie wurde nicht verwendet, und es wurde keine AuthID erzeugt.";
    not_from_provider_advice(id) = "Versuchen Sie es noch einmal. Wenn es jedes Mal geschieht, zeigen Sie diese Seite dem Administrator: Entweder ist issuer oder redirect_path in [provider.{id}] falsch, oder ein Anbieter versucht, Ihre Anmeldung bei einem anderen zu missbrauchen.";
    gave_no_token(provider) = "{provider} hat kein Token ausgestellt";
    refused_unknown(provider, refusal) = "{provider} hat sie abgelehnt ({refusal}). Sie wurde nicht in diesem Browser begonnen, oder vor mehr als zehn Minuten.";
    the_provider_refused_unknown(refusal) = "Der Anbieter hat sie abgelehnt ({refusal}). Sie wurde nicht in diesem Browser begonnen, oder vor mehr als zehn Minuten.";
    refused_unknown_advice = "Wenn Sie abgelehnt oder die Seite des Anbieters geschlossen haben, beginnen Sie neu. Wenn es jedes Mal geschieht, zeigen Sie diese Seite dem Administrator, und erlauben Sie Cookies für diese Website.";
    provider_has_a_fault = "Der Anbieter hat eine Störung oder ist überlastet. Das geht vorbei. Warten Sie einige Minuten, und beginnen Sie dann neu. Wenn es so bleibt, zeigen Sie diese Seite dem Administrator.";
    provider_wants_you = "Der Anbieter will, dass Sie sich dort anmelden, ein Konto wählen oder zustimmen. Beginnen Sie neu, und tun Sie das, wenn er fragt. Wenn er nicht fragt, zeigen Sie diese Seite dem Administrator.";
    nobody_declined = "Niemand hat abgelehnt: Der Anbieter nimmt die Anwendung dieses Servers oder deren Anfrage nicht an. Zeigen Sie diese Seite dem Administrator. Er vergleicht die Anwendung beim Anbieter mit authseal check.";
    not_all_permissions(provider) = "{provider} hat nicht alle Berechtigungen erteilt";
    not_all_permissions_happened(missing) = "Es fehlt: {missing}. Ohne das würden Programme später scheitern. Deshalb wurde keine AuthID erzeugt.";
    not_all_permissions_advice = "Melden Sie sich erneut an, und erlauben Sie alles, wonach gefragt wird. Wenn nach nichts gefragt wurde, fehlen der Anwendung vielleicht diese Berechtigungen: Benachrichtigen Sie den Administrator.";
    no_refresh_token(provider) = "{provider} hat kein Refresh-Token gesendet";
    no_refresh_token_happened(provider) = "{provider} hat Zugriff gewährt, aber kein Refresh-Token ausgestellt, und eine AuthID braucht eines.";
    no_refresh_token_advice = "Einige Anbieter senden es nur bei der ersten Anmeldung bei einer Anwendung: Entfernen Sie die Anwendung aus den verbundenen Apps Ihres Kontos, und melden Sie sich dann erneut an. Wenn es so bleibt, muss der Administrator den Scope oder Parameter finden, der eines verlangt.";
    see_who_has_access = "Sehen, wer Zugriff hat";

    // Limits and names of an AuthID.
    limits = "Beschränkungen";
    limited_until(time) = "bis {time}";
    limited_to_networks(networks) = "nur aus {networks}";
    limited_per_hour(times) = { 1 => "höchstens einmal pro Stunde", _ => "höchstens {times}-mal pro Stunde" };
    it_is_limited(limits) = "<strong>Sie gilt {limits}.</strong>";
    will_be_limited(limits) = "Die AuthID gilt dann {limits}.";
    each_is_limited(limits) = "Jede AuthID dieses Servers gilt {limits}. Sie können das weiter einschränken.";
    refused_now = "Jetzt und von hier aus wird sie abgelehnt.";
    restrict_this_authid = "Diese AuthID beschränken";
    good_until = "Gültig bis";
    good_from_networks = "Gültig nur aus diesen Netzen";
    networks_hint = "Zum Beispiel 192.168.0.0/16, fd00::/8.";
    your_network(network) = "Ihr Netz: {network}.";
    uses_in_an_hour = "Verwendungen pro Stunde";
    set_limits = "Beschränkungen festlegen";
    limits_not_set = "Diese Beschränkungen sind nicht möglich";
    limits_not_set_advice = "Gehen Sie zurück, und berichtigen Sie die Angaben. Es wurde keine Anmeldung begonnen.";
    nothing_to_limit = "Diese Anmeldung lässt sich nicht beschränken";
    nothing_to_limit_happened(provider) = "{provider} stellt ein Token aus, das Programme ohne diesen Server verwenden. Beschränkungen dieses Servers gelten dafür nicht.";
    nothing_to_limit_advice = "Melden Sie sich ohne Beschränkungen an, oder gar nicht.";
    log_in_without_limits = "Ohne Beschränkungen anmelden";
    enter_code_elsewhere = "Geben Sie den Code auf einem Gerät ein, von dem aus die AuthID verwendet werden darf.";
    name = "Name";
    user = "Benutzer";
    name_the_authid = "Geben Sie der AuthID einen Namen";
    name_the_authid_lead = "Am Namen erkennt der Administrator dieses Servers diese AuthID und kann sie gezielt widerrufen.";
    label_hint = "Zum Beispiel „Notebook der Buchhaltung“. Der Name wird in der AuthID versiegelt und steht im Protokoll dieses Servers. Sie können das Feld leer lassen.";
    user_not_sealed = "Ihr Name lässt sich nicht in eine AuthID aufnehmen";
    user_not_sealed_happened(why) = "Den Namen, den der Proxy vor diesem Server für Sie gesendet hat, nimmt dieser Server nicht an. Grund: {why}.";
    in_authid_user = "Der Name, unter dem der Proxy vor diesem Server Sie kennt";
    in_authid_label = "Der Name, den Sie der AuthID vor der Anmeldung gegeben haben";
    in_authid_names = "Sonst enthält eine AuthID keine Angaben über Sie und kein Passwort. Die Namen darin stehen bei jeder Verwendung im Protokoll dieses Servers, und der Administrator kann AuthIDs nach Namen widerrufen.";
    audited = "Ein Prüfprotokoll hält jede Anmeldung fest, auch jede abgelehnte, und jede AuthID, die hier abgelehnt, erneuert oder widerrufen wurde: mit Zeit und Adresse.";
    audited_with_names = "Ein Prüfprotokoll hält jede Anmeldung fest, auch jede abgelehnte, und jede AuthID, die hier abgelehnt, erneuert oder widerrufen wurde: mit Zeit, Adresse und den Namen der AuthID.";

    // Text that is no login token.
    token_empty = "Es wurde nichts eingefügt.";
    token_is_an_authid = "Das ist eine AuthID. Die erhalten Sie hier erst. Fügen Sie das Anmeldetoken ein.";
    token_not_whole = "Es ist nicht vollständig oder kein Anmeldetoken. Kopieren Sie alles.";
    token_not_json = "Es ist kein Anmeldetoken oder nur ein Teil davon. Kopieren Sie alles.";
    token_no_realm = "Es nennt nicht den Realm und die https-Adresse, für die es gilt. Deshalb wurde es nirgendwohin gesendet. Kopieren Sie alles, oder erzeugen Sie ein neues.";
    token_of_offered(name, realm, host, here) = "Dieses Token ist von {name} (Realm {realm} auf {host}), und diese Seite ist für {here}. Es wurde nirgendwohin gesendet und gilt noch: Wählen Sie {name} auf der Startseite, und fügen Sie es dort ein.";
    token_of_withheld(name, realm, host, how) = "Dieses Token ist von {name} (Realm {realm} auf {host}). Das bietet dieser Server noch nicht an. Es wurde nirgendwohin gesendet und gilt noch. Der Administrator kann {name} anbieten: {how}.";
    token_of_unknown(here, realm, host) = "Dieses Token ist nicht von {here}: Es gehört zum Realm {realm} auf {host}, den dieser Server nicht kennt. Es wurde nirgendwohin gesendet und gilt noch. Wenn dort das Konto ist, kann der Administrator die Tabelle unten hinzufügen. Prüfen Sie vorher den Host: Dorthin werden Anmeldungen gesendet.";
}
