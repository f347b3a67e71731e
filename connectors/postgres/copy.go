package postgres

const copyComment = "kept by lethe: copy of "
