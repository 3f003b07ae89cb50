/*
 * sha256.c: SHA-256 by OpenSSL's libcrypto, through its context-on-the-stack
 * interface.
 *
 * The ledger hashes one small row and one tree node per row written, so what
 * counts is the cost of a call, not of a gigabyte.  OpenSSL's EVP interface
 * allocates and looks up a provider; its older SHA256_* calls run the same
 * assembly (with the CPU's SHA instructions) with neither.  They are marked as
 * deprecated in OpenSSL 3 but are part of its stable ABI; this file is the only
 * one that knows.
 *
 * Small messages are padded here and given to OpenSSL as whole blocks, without a
 * stop in its own buffer.  A block's rounds wait for each other, most of the time;
 * a processor that looks far enough ahead works on another message's block
 * meanwhile, where one is next.  So many messages go block by block in turn.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "core/bytes.h"
#include "core/sha256.h"

#define SHA256_BLOCK 64
#define SHA256_LANES 4			/* messages in turn: two would fill today's
								 * processors, four cost nothing more */
#define SHA256_SMALL (4 * SHA256_BLOCK)	/* bytes of a message that is padded in a copy */

/* Pads data of len bytes in place; returns how many blocks it then is. */
static size_t
sha256_pad(uint8_t *data, size_t len)
{
	size_t		blocks = (len + 1 + 8 + SHA256_BLOCK - 1) / SHA256_BLOCK;

	data[len] = 0x80;
	memset(data + len + 1, 0, blocks * SHA256_BLOCK - len - 1 - 8);
	bytes_store_u64(data + blocks * SHA256_BLOCK - 8, (uint64_t) len * 8);
	return blocks;
}

static void
sha256_store(const SHA256_CTX *ctx, uint8_t out[SHA256_LEN])
{
	for (int i = 0; i < SHA256_LEN / 4; i++)
		bytes_store_u32(out + 4 * i, ctx->h[i]);
}

static void
sha256_of_padded(const uint8_t *data, size_t blocks, uint8_t out[SHA256_LEN])
{
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, blocks * SHA256_BLOCK);
	sha256_store(&ctx, out);
}

void
sha256_of(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
	sha256_of_two(NULL, 0, data, len, out);
}

void
sha256_of_two(const void *a, size_t a_len, const void *b, size_t b_len,
			  uint8_t out[SHA256_LEN])
{
	SHA256_CTX	ctx;

	if (a_len <= SHA256_SMALL && b_len <= SHA256_SMALL - a_len)
	{
		uint8_t		data[SHA256_SMALL + SHA256_PAD_MAX];

		if (a_len > 0)
			memcpy(data, a, a_len);
		if (b_len > 0)
			memcpy(data + a_len, b, b_len);
		sha256_of_padded(data, sha256_pad(data, a_len + b_len), out);
		return;
	}
	SHA256_Init(&ctx);
	if (a_len > 0)
		SHA256_Update(&ctx, a, a_len);
	if (b_len > 0)
		SHA256_Update(&ctx, b, b_len);
	SHA256_Final(out, &ctx);
}

static void
sha256_lanes(const sha256_message *message, size_t count)
{
	SHA256_CTX	ctx[SHA256_LANES];
	size_t		blocks[SHA256_LANES];
	size_t		most = 0;

	for (size_t i = 0; i < count; i++)
	{
		blocks[i] = sha256_pad(message[i].data, message[i].len);
		most = blocks[i] > most ? blocks[i] : most;
		SHA256_Init(&ctx[i]);
	}
	for (size_t block = 0; block < most; block++)
		for (size_t i = 0; i < count; i++)
			if (block < blocks[i])
				SHA256_Transform(&ctx[i], message[i].data + block * SHA256_BLOCK);
	for (size_t i = 0; i < count; i++)
		sha256_store(&ctx[i], message[i].out);
}

void
sha256_of_each(const sha256_message *message, size_t count)
{
	while (count > 1)
	{
		size_t		n = count < SHA256_LANES ? count : SHA256_LANES;

		sha256_lanes(message, n);
		message += n;
		count -= n;
	}
	if (count == 1)
		sha256_of_padded(message->data, sha256_pad(message->data, message->len), message->out);
}
