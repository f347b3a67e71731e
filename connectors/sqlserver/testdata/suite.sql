CREATE TABLE [a]]b] ([id] bigint NOT NULL, [mail] nvarchar(60) NULL, [at] datetime2(0) NULL, [raw] varbinary(100) NULL, PRIMARY KEY ([id]))

CREATE UNIQUE INDEX [u_a]]b] ON [a]]b] ([mail]) WHERE [mail] IS NOT NULL

INSERT INTO [a]]b] VALUES (1, N'it''s', N'2020-01-01 00:00:00', 0x00ff), (2, N'a\'+N'
b', NULL, NULL)

ALTER TABLE [a]]b] ADD FOREIGN KEY ([id]) REFERENCES [c] ([id]) ON UPDATE CASCADE
