/* foreign.c — the table of foreign words. */
#include "foreign.h"

#include "base/attr.h"

static const struct foreign {
	const char	*word, *answer;
} foreign[] = {
	/* Whoever writes a password here must hear it before anything else. */
	{ "pass", "a secret never stands in the file: use `password_command` or"
	    " `password_file`" },
	{ "password", "a secret never stands in the file: use `password_command`"
	    " or `password_file`" },
	{ "passwd", "a secret never stands in the file: use `password_command`"
	    " or `password_file`" },
	{ "remotepass", "a secret never stands in the file: use"
	    " `password_command` or `password_file`" },

	/* mbsync */
	{ "PassCmd", "here it is `password_command`" },
	{ "UserCmd", "write the name as `user`" },
	{ "Tunnel", "here it is `tunnel_command`" },
	{ "Timeout", "here it is `limits.timeout`" },
	{ "SSLType", "here it is `tls.mode`" },
	{ "TLSType", "here it is `tls.mode`" },
	{ "SSLVersions", "here it is `tls.min_version`" },
	{ "TLSVersions", "here it is `tls.min_version`" },
	{ "CertificateFile", "here it is `tls.ca_file`" },
	{ "ClientCertificate", "here it is `tls.client_cert.cert`" },
	{ "ClientKey", "here it is `tls.client_cert.key`" },
	{ "AuthMech", "here it is `auth.mechanisms`" },
	{ "AuthMechs", "here it is `auth.mechanisms`" },
	{ "Pattern", "here it is `folders.sync`" },
	{ "Patterns", "here it is `folders.sync`" },
	{ "Create", "here it is `folders.create_local` and"
	    " `folders.create_remote`" },
	{ "Remove", "here it is `folders.delete_local` and"
	    " `folders.delete_remote`" },
	{ "Expunge", "`Expunge Both` is `policy: two-way` here" },
	{ "Sync", "here it is `policy`" },
	{ "MaxSize", "here it is `limits.max_message_size`" },
	{ "MaxMessages", "the nearest here is `limits.max_age`" },
	{ "SubFolders", "here it is `layout`" },
	{ "Flatten", "here it is `layout` or `folders.rename`" },
	{ "Inbox", "mail is kept under `path`, INBOX among it" },
	{ "SyncState", "state is kept under the top-level `state_dir`" },
	{ "Channel", "an account is all it takes: there are no channels" },
	{ "Group", "an account is all it takes: there are no groups" },
	{ "Far", "there are no stores: `policy` says what moves where" },
	{ "Near", "there are no stores: `policy` says what moves where" },

	/* OfflineIMAP */
	{ "remotehost", "here it is `host`" },
	{ "remoteport", "here it is `port`" },
	{ "remoteuser", "here it is `user`" },
	{ "remotepasseval", "here it is `password_command`" },
	{ "remotepassfile", "here it is `password_file`" },
	{ "localfolders", "here it is `path`" },
	{ "localrepository", "an account is all it takes; local mail is under"
	    " `path`" },
	{ "remoterepository", "an account is all it takes; the server is"
	    " `host`" },
	{ "nametrans", "here it is `folders.rename`" },
	{ "folderfilter", "here it is `folders.sync`" },
	{ "subscribedonly", "here it is `folders.subscribed_only`" },
	{ "createfolders", "here it is `folders.create_local` and"
	    " `folders.create_remote`" },
	{ "sslcacertfile", "here it is `tls.ca_file`" },
	{ "sslclientcert", "here it is `tls.client_cert.cert`" },
	{ "sslclientkey", "here it is `tls.client_cert.key`" },
	{ "cert_fingerprint", "here it is `tls.pin`" },
	{ "auth_mechanisms", "here it is `auth.mechanisms`" },
	{ "oauth2_access_token_eval", "here it is `token_command`" },
	{ "maxage", "here it is `limits.max_age`" },
	{ "maxsize", "here it is `limits.max_message_size`" },
	{ "maxconnections", "here it is `limits.connections`" },
	{ "maxsyncaccounts", "it is not needed: accounts do not wait for one"
	    " another" },
	{ "autorefresh", "here it is `watch.poll`" },
	{ "keepalive", "connections are kept alive without being told" },
	{ "holdconnectionopen", "connections are kept without being told" },
	{ "idlefolders", "here it is `watch.idle_folders`" },
	{ "readonly", "here it is `policy: backup`" },
	{ "realdelete", "here it is `trash.local_delete`" },
	{ "postsynchook", "here it is a top-level `hooks:` entry" },
	{ "presynchook", "here it is a top-level `hooks:` entry" },

	/* everybody */
	{ "server", "here it is `host`" },
	{ "hostname", "here it is `host`" },
	{ "username", "here it is `user`" },
	{ "login", "here it is `user`" },
	{ "maildir", "here it is `path`" },
	{ "mailbox", "here it is `folders.sync`" },
	{ "interval", "here it is `watch.poll`" },
	{ "ssl", "here it is `tls.mode`" },
	{ "starttls", "here it is `tls: {mode: starttls}`" },
	{ "idle", "here it is `watch.remote`" },
};

const char *
foreign_word(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		if (str_ieq(word, str_z(foreign[i].word)))
			return foreign[i].answer;
	}
	return NULL;
}
