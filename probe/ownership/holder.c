/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holder.h"

#include <errno.h>
#include <stdlib.h>

void holder_free(struct holder *holder)
{
	vmm_free(&holder->vmm);
	free(holder->frontend_id);
	free(holder->files);
}

void holders_free(struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++)
		holder_free(&holders->items[i]);
	free(holders->items);
	*holders = (struct holders){0};
}

void holders_add_unseen(struct holders *holders, size_t count, int error)
{
	holders->unseen += count;
	if (count && holders->error != -ETIMEDOUT)
		holders->error = error;
}

int holder_add_file(struct holder *holder, const struct vfio_file *file)
{
	struct vfio_file *files;

	files = reallocarray(holder->files, holder->file_count + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	holder->files = files;
	files[holder->file_count++] = *file;
	return 0;
}

int holders_add(struct holders *holders, struct holder *holder)
{
	struct holder *grown = realloc(holders->items, (holders->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	holders->items = grown;
	grown[holders->count++] = *holder;
	*holder = (struct holder){0};
	return 0;
}

int holders_add_known(struct holders *holders, const struct holder *holder)
{
	struct holder copy = {
		.pid = holder->pid,
		.started = holder->started,
		.trusted = holder->trusted,
		.inspected = holder->inspected,
	};
	int error = 0;

	for (size_t i = 0; i < holder->file_count && !error; i++)
		error = holder_add_file(&copy, &holder->files[i]);
	if (!error)
		error = holders_add(holders, &copy);
	holder_free(&copy);
	return error;
}

int holders_merge(struct holders *to, struct holders *from)
{
	int error = 0;

	holders_add_unseen(to, from->unseen, from->error);
	for (size_t i = 0; i < from->count && !error; i++)
		error = holders_add(to, &from->items[i]);
	holders_free(from);
	return error;
}

bool holder_has_node(const struct holder *holder, const struct vfio_node *node)
{
	for (size_t i = 0; i < holder->file_count; i++)
		if (holder->files[i].node == node)
			return true;
	return false;
}

bool holder_has_group(const struct holder *holder, unsigned group)
{
	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_node *node = holder->files[i].node;

		if (node && node->kind == VFIO_NODE_GROUP && node->group == group)
			return true;
	}
	return false;
}
