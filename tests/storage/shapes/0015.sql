BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0015');
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	user VARCHAR NOT NULL, 
	operator VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	mentorado_id VARCHAR(32), 
	subject VARCHAR NOT NULL, 
	"before" VARCHAR NOT NULL, 
	"after" VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, mac VARCHAR, 
	CONSTRAINT pk_audit PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'2026-01-01T00:00:00.000000+00:00','rosa','','connect',NULL,'','{}','{}','done','','0000000000000000000000000000000000000000000000000000000000000000','2b11171d84ba91437647021594ed495f13f32ccd9bd1ded918b7433dbddaf257',NULL);
INSERT INTO "audit" VALUES(2,'2026-01-01T00:00:00.000000+00:00','rosa','','reconnect',NULL,'','{}','{}','done','','2b11171d84ba91437647021594ed495f13f32ccd9bd1ded918b7433dbddaf257','9823da31ecbcc4b0ff82ca9f98feb82210353cb08e22946cd509654f42a9cfcf',NULL);
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
);
INSERT INTO "audit_head" VALUES(1,2,'9823da31ecbcc4b0ff82ca9f98feb82210353cb08e22946cd509654f42a9cfcf');
CREATE TABLE campaign (
	id VARCHAR(32) NOT NULL, 
	draft VARCHAR NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	approved_at VARCHAR(32) NOT NULL, 
	approved_by VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	pause_reason VARCHAR, 
	ended_at VARCHAR(32), 
	CONSTRAINT pk_campaign PRIMARY KEY (id)
);
CREATE TABLE campaign_recipient (
	campaign_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	contact VARCHAR(64) NOT NULL, 
	kind VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	code VARCHAR NOT NULL, 
	at VARCHAR(32), 
	CONSTRAINT pk_campaign_recipient PRIMARY KEY (campaign_id, number), 
	CONSTRAINT fk_campaign_recipient_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaign (id), 
	CONSTRAINT fk_campaign_recipient_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE case_note (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	case_id VARCHAR(32) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	author VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	CONSTRAINT fk_case_note_case_id FOREIGN KEY(case_id) REFERENCES support_case (id)
);
CREATE TABLE consent_contact (
	mentorado_id VARCHAR(32) NOT NULL, 
	contact VARCHAR(64) NOT NULL, 
	kind VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_consent_contact PRIMARY KEY (mentorado_id, contact), 
	CONSTRAINT fk_consent_contact_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE consent_entry (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	mentorado_id VARCHAR(32) NOT NULL, 
	contact VARCHAR(64) NOT NULL, 
	change VARCHAR NOT NULL, 
	purpose VARCHAR, 
	source VARCHAR NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	recorded_by VARCHAR NOT NULL, 
	wording VARCHAR NOT NULL, 
	version VARCHAR NOT NULL, note VARCHAR, import_id VARCHAR(32), 
	CONSTRAINT fk_consent_entry_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE contact (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	many BOOLEAN NOT NULL, 
	name VARCHAR NOT NULL, 
	named_at VARCHAR(32), 
	created_at VARCHAR(32) NOT NULL, 
	merged_into VARCHAR(32), 
	CONSTRAINT pk_contact PRIMARY KEY (id), 
	CONSTRAINT fk_contact_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id), 
	CONSTRAINT fk_contact_merged_into FOREIGN KEY(merged_into) REFERENCES contact (id)
);
INSERT INTO "contact" VALUES('706d5f40720b413dab327ebbb8aee631','e5f65d080a8641ed86ce694c4c1dd52b',0,'Bia','2026-01-01T00:00:00.000000+00:00','2026-01-01T00:00:00.000000+00:00',NULL);
CREATE TABLE contact_address (
	mentorado_id VARCHAR(32) NOT NULL, 
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	contact_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_contact_address PRIMARY KEY (mentorado_id, "key"), 
	CONSTRAINT fk_contact_address_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id), 
	CONSTRAINT fk_contact_address_contact_id FOREIGN KEY(contact_id) REFERENCES contact (id)
);
INSERT INTO "contact_address" VALUES('e5f65d080a8641ed86ce694c4c1dd52b','phone:+552187650001','phone','+5521987650001','706d5f40720b413dab327ebbb8aee631');
INSERT INTO "contact_address" VALUES('e5f65d080a8641ed86ce694c4c1dd52b','lid:200000000000001','lid','200000000000001','706d5f40720b413dab327ebbb8aee631');
CREATE TABLE conversation (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	contact_id VARCHAR(32) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	merged_into VARCHAR(32), 
	CONSTRAINT pk_conversation PRIMARY KEY (id), 
	CONSTRAINT fk_conversation_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id), 
	CONSTRAINT fk_conversation_contact_id FOREIGN KEY(contact_id) REFERENCES contact (id), 
	CONSTRAINT fk_conversation_merged_into FOREIGN KEY(merged_into) REFERENCES conversation (id)
);
INSERT INTO "conversation" VALUES('59e0f6813bd1417994ddceef9034628b','e5f65d080a8641ed86ce694c4c1dd52b','706d5f40720b413dab327ebbb8aee631','2026-01-01T00:00:00.000000+00:00',NULL);
CREATE TABLE early_receipt (
	link_id VARCHAR(32) NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	delivery VARCHAR NOT NULL, 
	at VARCHAR(32) NOT NULL, failure VARCHAR, 
	CONSTRAINT pk_early_receipt PRIMARY KEY (link_id, provider_id), 
	CONSTRAINT fk_early_receipt_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
INSERT INTO "early_receipt" VALUES('4ac034f994094a3a9cdf9c3d405e187e','early','read','2026-01-01T00:04:00.000000+00:00',NULL);
CREATE TABLE figure (
	hour VARCHAR(32) NOT NULL, 
	name VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT pk_figure PRIMARY KEY (hour, name, provider, detail)
)
 WITHOUT ROWID

;
CREATE TABLE handling (
	mentorado_id VARCHAR(32) NOT NULL, 
	operator VARCHAR NOT NULL, 
	since VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_handling PRIMARY KEY (mentorado_id), 
	CONSTRAINT fk_handling_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE link (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	provider VARCHAR NOT NULL, 
	active BOOLEAN NOT NULL, 
	wanted BOOLEAN NOT NULL, 
	account VARCHAR(16), 
	accepted_account VARCHAR(16), 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
INSERT INTO "link" VALUES('4ac034f994094a3a9cdf9c3d405e187e','e5f65d080a8641ed86ce694c4c1dd52b','whatsapp_web',1,1,NULL,NULL);
INSERT INTO "link" VALUES('8598bb26fdb5440e9039fd24e14660ca','f7ebc3d2446a409a8a9c56b0b1c96d7b','whatsapp_web',1,0,NULL,NULL);
CREATE TABLE link_activity (
	link_id VARCHAR(32) NOT NULL, 
	received_at VARCHAR(32), 
	phone_seen_at VARCHAR(32), 
	CONSTRAINT pk_link_activity PRIMARY KEY (link_id), 
	CONSTRAINT fk_link_activity_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE mentorado (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR NOT NULL, 
	phone VARCHAR(16) NOT NULL, 
	phone_key VARCHAR(16) NOT NULL, 
	cohort VARCHAR NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	archived_at VARCHAR(32), 
	CONSTRAINT pk_mentorado PRIMARY KEY (id)
);
INSERT INTO "mentorado" VALUES('e5f65d080a8641ed86ce694c4c1dd52b','Ana Lima','+5511987654321','+551187654321','','2026-01-01T00:00:00.000000+00:00',NULL);
INSERT INTO "mentorado" VALUES('f7ebc3d2446a409a8a9c56b0b1c96d7b','Bruno Sá','+5521912345678','+5521912345678','','2026-01-01T00:00:00.000000+00:00','2026-01-01T00:00:00.000000+00:00');
CREATE TABLE mentorado_note (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	text VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	written_at VARCHAR(32) NOT NULL, 
	edited_by VARCHAR NOT NULL, 
	edited_at VARCHAR(32), 
	revision INTEGER NOT NULL, 
	CONSTRAINT pk_mentorado_note PRIMARY KEY (id), 
	CONSTRAINT fk_mentorado_note_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE message (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	conversation_id VARCHAR(32) NOT NULL, 
	link_id VARCHAR(32) NOT NULL, 
	provider VARCHAR NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	from_me BOOLEAN NOT NULL, 
	sender_id VARCHAR(32), 
	sender_name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	shown BOOLEAN NOT NULL, 
	text VARCHAR NOT NULL, 
	has_media BOOLEAN NOT NULL, 
	media_mime VARCHAR NOT NULL, 
	media_name VARCHAR NOT NULL, 
	media_size BIGINT, 
	media_seconds INTEGER, 
	refers_to VARCHAR, 
	sent_at VARCHAR(32) NOT NULL, 
	received_at VARCHAR(32) NOT NULL, 
	stored_at VARCHAR(32) NOT NULL, 
	delivery VARCHAR, 
	edited_text VARCHAR, 
	edited_at VARCHAR(32), 
	revoked_at VARCHAR(32), failure VARCHAR, 
	CONSTRAINT uq_message_link_id_provider_id UNIQUE (link_id, provider_id), 
	CONSTRAINT fk_message_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversation (id), 
	CONSTRAINT fk_message_link_id FOREIGN KEY(link_id) REFERENCES link (id), 
	CONSTRAINT fk_message_sender_id FOREIGN KEY(sender_id) REFERENCES contact (id)
);
INSERT INTO "message" VALUES(1,'59e0f6813bd1417994ddceef9034628b','4ac034f994094a3a9cdf9c3d405e187e','whatsapp_web','Q',0,NULL,'Bia','text',1,'Amanhã?',0,'','',NULL,NULL,NULL,'2026-01-01T00:00:00.000000+00:00','2026-01-01T00:00:00.000000+00:00','2026-01-01T00:00:00.000000+00:00',NULL,'Amanhã às 9?','2026-01-01T00:01:00.000000+00:00',NULL,NULL);
INSERT INTO "message" VALUES(2,'59e0f6813bd1417994ddceef9034628b','4ac034f994094a3a9cdf9c3d405e187e','whatsapp_web','E',0,NULL,'','edit',0,'Amanhã às 9?',0,'','',NULL,NULL,'Q','2026-01-01T00:01:00.000000+00:00','2026-01-01T00:01:00.000000+00:00','2026-01-01T00:00:00.000000+00:00',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "message" VALUES(3,'59e0f6813bd1417994ddceef9034628b','4ac034f994094a3a9cdf9c3d405e187e','whatsapp_web','A',1,NULL,'','text',1,'Mais tarde',0,'','',NULL,NULL,'Q','2026-01-01T00:02:00.000000+00:00','2026-01-01T00:02:00.000000+00:00','2026-01-01T00:00:00.000000+00:00','read',NULL,NULL,NULL,NULL);
INSERT INTO "message" VALUES(4,'59e0f6813bd1417994ddceef9034628b','4ac034f994094a3a9cdf9c3d405e187e','whatsapp_web','R',1,NULL,'','reaction',0,'👍',0,'','',NULL,NULL,'Q','2026-01-01T00:03:00.000000+00:00','2026-01-01T00:03:00.000000+00:00','2026-01-01T00:00:00.000000+00:00','accepted',NULL,NULL,NULL,NULL);
CREATE TABLE message_alias (
	link_id VARCHAR(32) NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	of_link_id VARCHAR(32) NOT NULL, 
	of_provider_id VARCHAR NOT NULL, 
	stored_at VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_message_alias PRIMARY KEY (link_id, provider_id), 
	CONSTRAINT fk_message_alias_link_id FOREIGN KEY(link_id) REFERENCES link (id), 
	CONSTRAINT fk_message_alias_of_link_id FOREIGN KEY(of_link_id) REFERENCES link (id)
);
CREATE TABLE opt_out_confirmation (
	number INTEGER NOT NULL, 
	CONSTRAINT pk_opt_out_confirmation PRIMARY KEY (number), 
	CONSTRAINT fk_opt_out_confirmation_number FOREIGN KEY(number) REFERENCES consent_entry (number)
);
CREATE TABLE outbound_message (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	reference VARCHAR(32) NOT NULL, 
	link_id VARCHAR(32) NOT NULL, 
	recipient VARCHAR(64) NOT NULL, 
	purpose VARCHAR NOT NULL, 
	campaign VARCHAR(32) NOT NULL, 
	reserved_at VARCHAR(32) NOT NULL, 
	state VARCHAR NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	fingerprint BIGINT NOT NULL, 
	new_contact BOOLEAN NOT NULL, 
	trouble VARCHAR, 
	code VARCHAR NOT NULL, campaign_number INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT uq_outbound_message_reference UNIQUE (reference), 
	CONSTRAINT fk_outbound_message_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE outbound_stop (
	link_id VARCHAR(32) NOT NULL, 
	trouble VARCHAR NOT NULL, 
	code VARCHAR NOT NULL, 
	at VARCHAR(32) NOT NULL, detail VARCHAR DEFAULT '' NOT NULL, 
	CONSTRAINT pk_outbound_stop PRIMARY KEY (link_id), 
	CONSTRAINT fk_outbound_stop_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE procedure (
	number INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	user VARCHAR NOT NULL, 
	operator VARCHAR NOT NULL, 
	began_at VARCHAR(32) NOT NULL, 
	facts VARCHAR NOT NULL, 
	CONSTRAINT pk_procedure PRIMARY KEY (number), 
	CONSTRAINT uq_procedure_id UNIQUE (id), 
	CONSTRAINT fk_procedure_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE procedure_entry (
	procedure_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	kind VARCHAR NOT NULL, 
	step VARCHAR, 
	facts VARCHAR NOT NULL, 
	CONSTRAINT pk_procedure_entry PRIMARY KEY (procedure_id, number), 
	CONSTRAINT fk_procedure_entry_procedure_id FOREIGN KEY(procedure_id) REFERENCES procedure (id)
);
CREATE TABLE registration_try (
	id INTEGER NOT NULL, 
	link_id VARCHAR(32) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_registration_try PRIMARY KEY (id), 
	CONSTRAINT fk_registration_try_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE search_mark (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	CONSTRAINT pk_search_mark PRIMARY KEY (id)
);
INSERT INTO "search_mark" VALUES(1,4);
CREATE TABLE set_aside (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	link_id VARCHAR(32) NOT NULL, 
	provider VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	about VARCHAR NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	payload_size BIGINT NOT NULL, 
	payload VARCHAR NOT NULL, 
	CONSTRAINT uq_set_aside_link_id_digest UNIQUE (link_id, digest), 
	CONSTRAINT fk_set_aside_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE setting (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	changed_at VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_setting PRIMARY KEY ("key")
);
CREATE TABLE smoke_test (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	link_id VARCHAR(32) NOT NULL, 
	reference VARCHAR(32) NOT NULL, 
	began_at VARCHAR(32) NOT NULL, 
	ended_at VARCHAR(32) NOT NULL, 
	outcome VARCHAR NOT NULL, 
	trouble VARCHAR NOT NULL, 
	stages VARCHAR NOT NULL, 
	CONSTRAINT fk_smoke_test_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
CREATE TABLE support_case (
	id VARCHAR(32) NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	opened_at VARCHAR(32) NOT NULL, 
	due_at VARCHAR(32) NOT NULL, 
	evidence VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	closed_at VARCHAR(32), 
	CONSTRAINT pk_support_case PRIMARY KEY (id), 
	CONSTRAINT fk_support_case_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE suppression (
	mentorado_id VARCHAR(32) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	erased_at VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_suppression PRIMARY KEY (mentorado_id, hash), 
	CONSTRAINT fk_suppression_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id)
);
CREATE TABLE switch_item (
	run_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	wave INTEGER NOT NULL, 
	mentorado_id VARCHAR(32) NOT NULL, 
	source VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	from_link VARCHAR(32) NOT NULL, 
	basis VARCHAR NOT NULL, 
	to_link VARCHAR(32), 
	state VARCHAR NOT NULL, 
	procedure_id VARCHAR(32), 
	reason VARCHAR NOT NULL, 
	at VARCHAR(32), 
	switched_at VARCHAR(32), 
	CONSTRAINT pk_switch_item PRIMARY KEY (run_id, number), 
	CONSTRAINT fk_switch_item_run_id FOREIGN KEY(run_id) REFERENCES switch_run (id), 
	CONSTRAINT fk_switch_item_mentorado_id FOREIGN KEY(mentorado_id) REFERENCES mentorado (id), 
	CONSTRAINT fk_switch_item_from_link FOREIGN KEY(from_link) REFERENCES link (id), 
	CONSTRAINT fk_switch_item_to_link FOREIGN KEY(to_link) REFERENCES link (id)
);
CREATE TABLE switch_run (
	id VARCHAR(32) NOT NULL, 
	target VARCHAR NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	approved_at VARCHAR(32) NOT NULL, 
	approved_by VARCHAR NOT NULL, 
	second_approver VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	pause VARCHAR, 
	pause_until VARCHAR(32), 
	wave INTEGER NOT NULL, 
	ended_at VARCHAR(32), 
	CONSTRAINT pk_switch_run PRIMARY KEY (id)
);
CREATE TABLE transition (
	id INTEGER NOT NULL, 
	link_id VARCHAR(32) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	"trigger" VARCHAR NOT NULL, 
	before_state VARCHAR NOT NULL, 
	before_reason VARCHAR NOT NULL, 
	before_since VARCHAR(32) NOT NULL, 
	after_state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	capability VARCHAR NOT NULL, 
	until VARCHAR(32), 
	account VARCHAR(16), 
	detail VARCHAR NOT NULL, 
	CONSTRAINT pk_transition PRIMARY KEY (id), 
	CONSTRAINT fk_transition_link_id FOREIGN KEY(link_id) REFERENCES link (id)
);
INSERT INTO "transition" VALUES(1,'4ac034f994094a3a9cdf9c3d405e187e','2026-01-01T00:00:00.000000+00:00','CONNECT','off','none','2026-01-01T00:00:00.000000+00:00','connecting','none','unknown',NULL,NULL,'');
INSERT INTO "transition" VALUES(2,'4ac034f994094a3a9cdf9c3d405e187e','2026-01-01T00:00:00.000000+00:00','OPENED','connecting','none','2026-01-01T00:00:00.000000+00:00','connected','none','unknown',NULL,NULL,'');
CREATE UNIQUE INDEX uq_mentorado_active_phone ON mentorado (phone_key) WHERE archived_at IS NULL;
CREATE INDEX ix_link_mentorado_id ON link (mentorado_id);
CREATE UNIQUE INDEX uq_link_active ON link (mentorado_id) WHERE active;
CREATE INDEX ix_transition_link_id ON transition (link_id);
CREATE TRIGGER transition_no_update BEFORE UPDATE ON transition BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;
CREATE TRIGGER transition_no_delete BEFORE DELETE ON transition BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;
CREATE INDEX ix_contact_mentorado_id ON contact (mentorado_id);
CREATE INDEX ix_contact_address_contact_id ON contact_address (contact_id);
CREATE INDEX ix_conversation_mentorado_id ON conversation (mentorado_id);
CREATE INDEX ix_conversation_contact_id ON conversation (contact_id);
CREATE INDEX ix_message_conversation_id ON message (conversation_id, shown, number, sent_at);
CREATE INDEX ix_message_refers_to ON message (refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX ix_message_sender_id ON message (sender_id) WHERE sender_id IS NOT NULL;
CREATE INDEX ix_audit_mentorado_id ON audit (mentorado_id);
CREATE VIEW message_words AS SELECT number, coalesce(edited_text, text) AS text, media_name AS file, char(57344) || mentorado_id AS owner FROM message JOIN conversation ON conversation.id = conversation_id WHERE shown;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_next_only BEFORE INSERT ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE number + 1 = new.number AND hash = new.previous_hash) BEGIN SELECT RAISE(ABORT, 'an audit entry comes after the last one'); END;
CREATE TRIGGER audit_head_moves AFTER INSERT ON audit BEGIN UPDATE audit_head SET number = new.number, hash = new.hash; END;
CREATE TRIGGER audit_head_forward_only BEFORE UPDATE ON audit_head WHEN NOT EXISTS (SELECT 1 FROM audit WHERE audit.number = new.number AND audit.hash = new.hash AND new.number > old.number) BEGIN SELECT RAISE(ABORT, 'the head of the audit only moves forward'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, 'the head of the audit stays'); END;
CREATE TRIGGER audit_head_alone BEFORE INSERT ON audit_head WHEN EXISTS (SELECT 1 FROM audit_head) BEGIN SELECT RAISE(ABORT, 'the audit has one head'); END;
CREATE INDEX ix_procedure_mentorado_id ON procedure (mentorado_id);
CREATE TRIGGER procedure_no_update BEFORE UPDATE ON procedure BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER procedure_no_delete BEFORE DELETE ON procedure BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER procedure_entry_no_update BEFORE UPDATE ON procedure_entry BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER procedure_entry_no_delete BEFORE DELETE ON procedure_entry BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER procedure_once BEFORE INSERT ON procedure WHEN EXISTS (SELECT 1 FROM procedure WHERE id = new.id OR number = new.number) BEGIN SELECT RAISE(ABORT, 'a procedure begins once'); END;
CREATE TRIGGER procedure_entry_next_only BEFORE INSERT ON procedure_entry WHEN new.number <> (SELECT coalesce(max(number), 0) + 1 FROM procedure_entry WHERE procedure_id = new.procedure_id) OR EXISTS (SELECT 1 FROM procedure_entry WHERE procedure_id = new.procedure_id AND kind = 'ended') BEGIN SELECT RAISE(ABORT, 'an entry comes after the last one'); END;
CREATE INDEX ix_registration_try_link_id_at ON registration_try (link_id, at);
CREATE INDEX ix_outbound_message_link_id_reserved_at ON outbound_message (link_id, reserved_at);
CREATE INDEX ix_outbound_message_reserved_at ON outbound_message (reserved_at);
CREATE INDEX ix_consent_entry_mentorado_id_contact ON consent_entry (mentorado_id, contact);
CREATE TRIGGER consent_no_update BEFORE UPDATE ON consent_entry BEGIN SELECT RAISE(ABORT, 'the ledger of consent is append-only'); END;
CREATE TRIGGER consent_no_delete BEFORE DELETE ON consent_entry BEGIN SELECT RAISE(ABORT, 'the ledger of consent is append-only'); END;
CREATE TRIGGER consent_no_replace BEFORE INSERT ON consent_entry WHEN EXISTS (SELECT 1 FROM consent_entry WHERE number = new.number) BEGIN SELECT RAISE(ABORT, 'the ledger of consent is append-only'); END;
CREATE INDEX ix_smoke_test_link_id ON smoke_test (link_id, number);
CREATE UNIQUE INDEX uq_support_case_open ON support_case (mentorado_id, kind, subject) WHERE closed_at IS NULL;
CREATE INDEX ix_case_note_case_id ON case_note (case_id);
CREATE TRIGGER case_note_no_update BEFORE UPDATE ON case_note BEGIN SELECT RAISE(ABORT, 'notes are only added'); END;
CREATE TRIGGER case_note_no_delete BEFORE DELETE ON case_note BEGIN SELECT RAISE(ABORT, 'notes are only added'); END;
CREATE UNIQUE INDEX uq_outbound_message_campaign ON outbound_message (campaign, campaign_number) WHERE campaign <> '' AND state <> 'not_sent';
CREATE INDEX ix_campaign_recipient_mentorado_id ON campaign_recipient (mentorado_id, contact);
CREATE INDEX ix_message_alias_of_link_id ON message_alias (of_link_id, of_provider_id);
CREATE INDEX ix_switch_item_mentorado_id ON switch_item (mentorado_id);
CREATE INDEX ix_mentorado_note_mentorado_id ON mentorado_note (mentorado_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',4);
CREATE VIRTUAL TABLE message_fts USING fts5(text, file, owner, content='message_words', content_rowid='number', detail='none', prefix='1 2 3 4', tokenize='unicode61 remove_diacritics 2');
INSERT INTO message_fts (message_fts) VALUES ('rebuild');
CREATE TRIGGER message_words_go AFTER DELETE ON message WHEN old.number <= (SELECT number FROM search_mark) BEGIN INSERT INTO message_fts (message_fts, rowid, text, file, owner) SELECT 'delete', old.number, coalesce(old.edited_text, old.text), old.media_name, char(57344) || mentorado_id FROM conversation WHERE id = old.conversation_id AND old.shown; END;
CREATE TRIGGER message_words_change AFTER UPDATE OF text, edited_text, media_name, shown ON message WHEN old.number <= (SELECT number FROM search_mark) BEGIN INSERT INTO message_fts (message_fts, rowid, text, file, owner) SELECT 'delete', old.number, coalesce(old.edited_text, old.text), old.media_name, char(57344) || mentorado_id FROM conversation WHERE id = old.conversation_id AND old.shown; INSERT INTO message_fts (rowid, text, file, owner) SELECT new.number, coalesce(new.edited_text, new.text), new.media_name, char(57344) || mentorado_id FROM conversation WHERE id = new.conversation_id AND new.shown; END;
COMMIT;
