/*
 * tls_files.c: reading PEM files to find out what is wrong with them.
 *
 * libmosquitto reads them again when it connects; its errors then are many
 * words of OpenSSL's, and come when the old connection is gone already.  An
 * encrypted key is refused because the library would ask a terminal for its
 * passphrase.
 */
#include "tls_files.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TLS_FILES_BYTES_MAX (4 * 1024 * 1024)	/* a system's bundle has 200 kB */
#define TLS_FILES_DAY_S 86400

/* A file into the digest, with its length behind it. */
static bool
tls_files_digest(uint8_t digest[SHA256_LEN], const char *name, const char *path, char *error, size_t cap)
{
	uint8_t		chunk[4096];
	uint64_t	total = 0;
	size_t		got;
	FILE	   *f = fopen(path, "re");

	if (f == NULL)
	{
		snprintf(error, cap, "cannot read %s %.200s: %s", name, path, strerror(errno));
		return false;
	}
	while (total <= TLS_FILES_BYTES_MAX && (got = fread(chunk, 1, sizeof(chunk), f)) > 0)
	{
		total += got;
		sha256_of_two(digest, SHA256_LEN, chunk, got, digest);
	}
	explicit_bzero(chunk, sizeof(chunk));
	if (ferror(f) || total > TLS_FILES_BYTES_MAX)
	{
		snprintf(error, cap, "cannot read %s %.200s: %s", name, path,
				 ferror(f) ? strerror(errno) : "it is larger than 4 MiB");
		fclose(f);
		return false;
	}
	fclose(f);
	sha256_of_two(digest, SHA256_LEN, &total, sizeof(total), digest);
	return true;
}

static X509 *
tls_files_certificate(const char *path)
{
	FILE	   *f = fopen(path, "re");
	X509	   *certificate;

	if (f == NULL)
		return NULL;
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return certificate;
}

/* Called for an encrypted key: there is nobody to ask. */
static int
tls_files_no_passphrase(char *out, int cap, int for_writing, void *asked)
{
	*(bool *) asked = true;
	return -1;
}

static bool
tls_files_pair(const char *certfile, const char *keyfile, char *error, size_t cap)
{
	X509	   *certificate = tls_files_certificate(certfile);
	bool		encrypted = false;
	EVP_PKEY   *key = NULL;
	FILE	   *f = fopen(keyfile, "re");
	bool		good = false;

	if (f != NULL)
	{
		key = PEM_read_PrivateKey(f, NULL, tls_files_no_passphrase, &encrypted);
		fclose(f);
	}
	if (certificate == NULL)
		snprintf(error, cap, "broker_certfile %.200s holds no certificate (PEM)", certfile);
	else if (encrypted)
		snprintf(error, cap, "the key in broker_keyfile %.200s is encrypted: nobody is there to type its passphrase", keyfile);
	else if (key == NULL)
		snprintf(error, cap, "broker_keyfile %.200s holds no private key (PEM)", keyfile);
	else if (X509_check_private_key(certificate, key) != 1)
		snprintf(error, cap, "the key in broker_keyfile %.200s is not that of the certificate", keyfile);
	else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		snprintf(error, cap, "the certificate in broker_certfile %.200s has run out", certfile);
	else
		good = true;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return good;
}

bool
tls_files_check(const char *cafile, const char *certfile, const char *keyfile,
				uint8_t digest[SHA256_LEN], char *error, size_t cap)
{
	X509	   *authority;

	memset(digest, 0, SHA256_LEN);
	if ((cafile[0] != '\0' && !tls_files_digest(digest, "broker_cafile", cafile, error, cap)) ||
		(certfile[0] != '\0' && !tls_files_digest(digest, "broker_certfile", certfile, error, cap)) ||
		(keyfile[0] != '\0' && !tls_files_digest(digest, "broker_keyfile", keyfile, error, cap)))
		return false;
	if (cafile[0] != '\0')
	{
		authority = tls_files_certificate(cafile);
		if (authority == NULL)
		{
			snprintf(error, cap, "broker_cafile %.200s holds no certificate (PEM)", cafile);
			return false;
		}
		X509_free(authority);
	}
	return certfile[0] == '\0' || keyfile[0] == '\0' || tls_files_pair(certfile, keyfile, error, cap);
}

int64_t
tls_files_days_left(const char *certfile)
{
	X509	   *certificate = tls_files_certificate(certfile);
	int			days = 0;
	int			seconds = 0;
	bool		known;

	if (certificate == NULL)
		return INT64_MAX;
	known = ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1;
	X509_free(certificate);
	return known ? days : INT64_MAX;
}
